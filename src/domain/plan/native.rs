//! Plans for a service whose own strategy shifts its traffic: its pauses are answered, its deployments taken back.

use jiff::SignedDuration;

use super::call::Answer;
use super::{Call, Context, Expect, Intent, Plan, Refusal, Step};
use crate::domain::deployment::Pause;
use crate::domain::names::Arn;
use crate::domain::release::Release;

/// Every pause that is on the screen is answered: ECS goes on when all of a stage's are.
pub(super) fn step(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    let side = &release.stable;
    let (Some(deployment), false) = (&side.deployment, release.pauses.is_empty()) else {
        return Err(Refusal::new(
            format!("{} does not wait for anybody: ECS shifts its traffic by itself.", release.name),
            "Watch it, or roll it back.",
        ));
    };
    let steps = release.pauses.iter().map(|pause| answer(release, deployment, pause, Answer::Continue, context));
    let at = release.stage.as_deref().unwrap_or("its pause");
    let title = format!("goes on after {at} with {}", side.task_definition.tag());
    let reasons = release.verdict.reasons.iter();
    let warnings = reasons.map(|reason| format!("verdict {}: {reason}", release.verdict.opinion.word())).collect();
    Ok(context.plan(release, Intent::Step { to: None }, steps.collect(), None, warnings, title))
}

/// ECS itself takes the deployment back: through the pause where it waits at one, else by stopping it.
pub(super) fn rollback(release: &Release, context: &Context<'_>) -> Result<Plan, Refusal> {
    let side = &release.stable;
    let plan = |step| {
        let title = format!("ECS takes {} back to what it replaced", side.task_definition.tag());
        Ok(context.plan(release, Intent::Rollback { to: None, at_once: false }, vec![step], None, Vec::new(), title))
    };
    if side.going_back {
        return Err(Refusal::new(
            format!("{} is rolling back already.", release.name),
            "Watch it; nothing needs to be sent.",
        ));
    }
    match (&side.deployment, release.pauses.first()) {
        // One answer to go back is enough, whatever else waits.
        (Some(deployment), Some(pause)) => plan(answer(release, deployment, pause, Answer::Rollback, context)),
        (Some(deployment), None) if release.in_flight() => plan(Step {
            title: "stop the deployment and roll it back".to_owned(),
            before: Vec::new(),
            call: Some(Call::StopDeployment { service: side.service.clone(), deployment: deployment.clone() }),
            after: vec![Expect::GoingBack { service: side.service.clone(), deployment: deployment.clone() }],
            hold: SignedDuration::ZERO,
            patience: context.settings.patience,
        }),
        _ => Err(Refusal::new(
            format!("{} has finished: a redeployment would replay its whole strategy.", release.name),
            "Roll back with the tool that owns it; here only a deployment under way can be taken back.",
        )),
    }
}

fn answer(release: &Release, deployment: &Arn, pause: &Pause, answer: Answer, context: &Context<'_>) -> Step {
    let service = release.stable.service.clone();
    let (title, after) = match answer {
        Answer::Continue => {
            ("answer the pause: go on", Expect::Answered { service: service.clone(), hook: pause.hook.clone() })
        }
        Answer::Rollback => (
            "answer the pause: go back",
            Expect::GoingBack { service: service.clone(), deployment: deployment.clone() },
        ),
    };
    Step {
        title: title.to_owned(),
        before: Vec::new(),
        call: Some(Call::AnswerPause { service, deployment: deployment.clone(), hook: pause.hook.clone(), answer }),
        after: vec![after],
        hold: SignedDuration::ZERO,
        patience: context.settings.patience,
    }
}
