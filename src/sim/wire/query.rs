//! awsQuery input: a form with paths as keys (`Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight`).

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::shapes::Api;

/// No member of AWS's models is nested deeper.
const MAX_DEPTH: usize = 24;

/// The parameters of a request, in the order of the request.
pub(super) type Form = IndexMap<String, String>;

/// Parses a form. The last value of a repeated key wins.
pub(super) fn parse(body: &[u8]) -> Form {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Decodes a form into typed input, without `Action` and `Version`.
pub(super) fn decode(api: &Api, form: &Form) -> Result<Value, String> {
    let mut root = Node::default();
    for (key, value) in form {
        if key != "Action" && key != "Version" {
            root.insert(key, value)?;
        }
    }
    let mut input = Map::new();
    for (name, node) in root.children {
        input.insert(name.to_owned(), node.into_json(api, name)?);
    }
    Ok(Value::Object(input))
}

/// One step of a key's path: a structure, list or map if it has children, otherwise a scalar.
#[derive(Default)]
struct Node<'a> {
    text: Option<&'a str>,
    children: IndexMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, key: &'a str, value: &'a str) -> Result<(), String> {
        let mut node = self;
        for (depth, step) in key.split('.').enumerate() {
            if depth >= MAX_DEPTH {
                return Err(format!("the key {key} is too deep"));
            }
            node = node.children.entry(step).or_default();
        }
        node.text = Some(value);
        Ok(())
    }

    fn into_json(mut self, api: &Api, member: &str) -> Result<Value, String> {
        if self.children.is_empty() {
            return scalar(api, member, self.text.unwrap_or_default());
        }
        if self.children.len() == 1 {
            if let Some(list) = self.children.shift_remove("member") {
                let items = list.numbered()?.into_iter();
                return Ok(Value::Array(items.map(|item| item.into_json(api, "")).collect::<Result<_, _>>()?));
            }
            if let Some(map) = self.children.shift_remove("entry") {
                return map.into_map(api);
            }
        }
        let mut object = Map::new();
        for (name, node) in self.children {
            object.insert(name.to_owned(), node.into_json(api, name)?);
        }
        Ok(Value::Object(object))
    }

    /// Decodes the entries of `Name.entry.1.key=…&Name.entry.1.value=…`.
    fn into_map(self, api: &Api) -> Result<Value, String> {
        let mut object = Map::new();
        for mut entry in self.numbered()? {
            let key = entry.children.shift_remove("key").and_then(|node| node.text);
            let value = entry.children.shift_remove("value");
            if let (Some(key), Some(value)) = (key, value) {
                object.insert(key.to_owned(), value.into_json(api, "value")?);
            }
        }
        Ok(Value::Object(object))
    }

    /// The children named `1`, `2`, …, in numeric order.
    fn numbered(self) -> Result<Vec<Self>, String> {
        let mut items = self
            .children
            .into_iter()
            .map(|(name, node)| match name.parse::<u32>() {
                Ok(number) => Ok((number, node)),
                Err(_) => Err(format!("{name} is not a list index")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        items.sort_by_key(|(number, _)| *number);
        Ok(items.into_iter().map(|(_, node)| node).collect())
    }
}

fn scalar(api: &Api, member: &str, text: &str) -> Result<Value, String> {
    let malformed = || format!("{text:?} is not a valid value for {member}");
    Ok(if api.is_integer(member) {
        Value::Number(text.parse::<i64>().map_err(|_| malformed())?.into())
    } else if api.is_boolean(member) {
        Value::Bool(text.parse().map_err(|_| malformed())?)
    } else if api.is_time(member) {
        let time: Timestamp = text.parse().map_err(|_| malformed())?;
        Value::Number(Number::from_f64(time.as_duration().as_secs_f64()).ok_or_else(malformed)?)
    } else if text.is_empty() && api.is_list(member) {
        Value::Array(Vec::new())
    } else {
        Value::String(text.to_owned())
    })
}
