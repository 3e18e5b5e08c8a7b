"""What SciPy, statsmodels, savvi and confseq say about cases of each kind that the judge's statistics meet."""

import argparse
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
from savvi.multinomial import Multinomial
from scipy import integrate, optimize, special, stats
from statsmodels.stats.proportion import proportion_confint

# confseq was written before NumPy 2, which dropped this name.
np.float_ = np.float64
from confseq.betting import betting_mart  # noqa: E402

# Errors and requests of a side: none, few, many, all.
RATES = [(0, 30), (1, 30), (29, 30), (30, 30), (10, 100), (0, 1_000_000), (1, 1_000_000), (5_000, 1_000_000), (999_999, 1_000_000)]
# Factors between the alternative's rate and the hypothesis' rate, with their parts of the stake.
ALTERNATIVES = [(1.25, 0.03), (1.5, 0.12), (2, 0.45), (3, 0.25), (5, 0.08), (10, 0.05), (30, 0.015), (100, 0.005)]
# The largest logarithm of a ratio that is looked for.
FARTHEST = 14.0


def releases():
    """Minutes: the canary's errors and requests, then stable's."""
    rng = np.random.default_rng(20261130)
    for requests, share, rate, times, minutes in [
        (3_000, 0.1, 0.005, 2, 12), (3_000, 0.01, 0.005, 1, 30), (3_000, 0.5, 0.02, 0.5, 8), (60, 0.1, 0.1, 3, 6),
        (100_000, 0.05, 0.0001, 10, 5), (10**8, 0.1, 0.005, 1.1, 3), (500, 0.01, 0.0, 1, 10), (200, 0.5, 0.4, 1.5, 4),
    ]:
        made = []
        for _ in range(minutes):
            n, m = (int(rng.poisson(requests * part)) for part in (share, 1 - share))
            made.append([int(rng.binomial(n, min(rate * times, 1))), n, int(rng.binomial(m, rate)), m])
        yield made
    # A side without requests in some minutes, a share that changes, errors on one side alone.
    yield [[0, 0, 5, 900], [3, 100, 0, 0], [2, 30, 10, 2_970], [9, 300, 14, 2_700], [30, 1_500, 8, 1_500]]
    yield [[4, 300, 0, 2_700], [7, 280, 0, 2_650]]
    yield [[0, 300, 40, 2_700], [0, 280, 35, 2_650]]


def log_ratio(minute, ratio, null):
    """How much likelier the canary's part of a minute's errors is at one ratio of the rates than at another."""
    x, n, y, m = minute
    if n == 0 or m == 0:
        return 0.0
    part = lambda ratio: ratio * n / (ratio * n + m)
    return stats.binom.logpmf(x, x + y, part(ratio)) - stats.binom.logpmf(x, x + y, part(null))


def stake(starts, weights_and_ratios):
    """The stake of all starts and alternatives, each multiplied out by itself."""
    logs = [math.log1p(-sum(starts))] if sum(starts) < 1 else []
    for weight, ratios in weights_and_ratios:
        sums = np.cumsum(np.array(ratios)[::-1])[::-1]
        logs += [math.log(weight * start) + part for start, part in zip(starts, sums) if start > 0]
    return float(special.logsumexp(logs))


def mixed_savvi(minutes):
    """savvi divides its stake by a Dirichlet density among all alternatives: our likelihood ratio, integrated."""
    for x, n, y, m in minutes:
        if n == 0 or m == 0 or x + y > 200:
            continue
        null, k = n / (n + m), 20.0
        theirs = Multinomial(0.05, np.array([null, 1 - null]), k=k)
        theirs.update(np.array([x, y]))
        odds = lambda part: part / (1 - part) / (null / (1 - null))
        gain = lambda part: math.exp(log_ratio((x, n, y, m), odds(part), 1.0)) * stats.beta.pdf(part, k * null, k * (1 - null))
        ours = integrate.quad(gain, 0, 1, points=[null, (x + k * null) / (x + y + k)], limit=500, epsrel=1e-10)[0]
        assert math.isclose(ours, theirs.odds, rel_tol=1e-6), ((x, n, y, m), ours, theirs.odds)
        yield theirs.odds


def capital(errors, others, mean, odds):
    """confseq's capital against a mean: each observation is a bet of a fixed size, the one that fits these odds."""
    other = odds * mean / (1 - mean + odds * mean)
    bet = (other / mean - 1) / (1 - mean)
    seen = np.array([1.0] * errors + [0.0] * others)
    with np.errstate(over="ignore"):
        return float(betting_mart(seen, mean, lambdas_fn_positive=lambda x, m: np.full(len(x), bet), theta=1, trunc_scale=1)[-1])


def bet_with_confseq(minutes):
    """In a minute the errors of both sides are observations, and the canary's part of the requests is the mean."""
    for x, n, y, m in minutes:
        if n > 0 and m > 0 and 0 < x + y <= 2_000:
            for times, _ in ALTERNATIVES:
                ours, theirs = math.exp(log_ratio((x, n, y, m), times, 1.0)), capital(x, y, n / (n + m), times)
                assert math.isclose(ours, theirs, rel_tol=1e-6), ((x, n, y, m), times, ours, theirs)
                yield theirs


def line_with_confseq(counts, line):
    """All requests of the minutes are observations, and the line is the mean. `None`: too many, or beyond a double."""
    errors, requests = (sum(column) for column in zip(*counts))
    if requests > 50_000:
        return None
    stakes = [weight * capital(errors, requests - errors, line, times) for times, weight in ALTERNATIVES]
    return math.log(sum(stakes)) if 0 < sum(stakes) < math.inf else None


def ratios():
    agreed = bets = 0
    for minutes in releases():
        agreed += sum(1 for _ in mixed_savvi(minutes))
        bets += sum(1 for _ in bet_with_confseq(minutes))
        starts = [0.6] + [0.4 / len(minutes) * 0.9] * (len(minutes) - 1)
        for null in (1.0, 2.0):
            by = [(weight, [log_ratio(minute, null * times, null) for minute in minutes]) for times, weight in ALTERNATIVES]
            case = {"minutes": minutes, "ratio": null, "starts": starts, "evidence": stake(starts, by)}
            for beyond in (0.05, 0.001):
                low, high = ratio_bounds(minutes, beyond)
                yield {**case, "beyond": beyond, "low": low, "high": high}
    assert agreed > 20 and bets > 200, (agreed, bets)


def ratio_bounds(minutes, beyond):
    def against(log, sign):
        null = math.exp(log)
        sums = [sum(log_ratio(minute, null * times**sign, null) for minute in minutes) for times, _ in ALTERNATIVES]
        return float(special.logsumexp(sums, b=[weight for _, weight in ALTERNATIVES])) + math.log(beyond)

    crossing = lambda sign: math.exp(optimize.brentq(against, -FARTHEST, FARTHEST, args=(sign,), xtol=1e-12))
    low = crossing(1) if against(-FARTHEST, 1) > 0 else 0.0
    high = crossing(-1) if against(FARTHEST, -1) > 0 else None
    return low, high


def lines():
    agreed = 0
    for minutes in releases():
        counts = [[x, n] for x, n, _, _ in minutes if n > 0]
        starts = [0.7] + [0.01] * (len(counts) - 1)
        for line in (0.001, 0.05, 0.5):
            other = lambda times: times * line / (1 - line + times * line)
            gain = lambda x, n, times: stats.binom.logpmf(x, n, other(times)) - stats.binom.logpmf(x, n, line)
            by = [(weight, [gain(x, n, times) for x, n in counts]) for times, weight in ALTERNATIVES]
            # Beyond what a double can hold, SciPy has no probability.
            if all(map(math.isfinite, itertools.chain(*(part for _, part in by)))):
                theirs = line_with_confseq(counts, line)
                if theirs is not None:
                    ours = stake([1.0] + [0.0] * (len(counts) - 1), by)
                    assert math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-6), (counts, line, ours, theirs)
                    agreed += 1
                yield {"counts": counts, "line": line, "starts": starts, "evidence": stake(starts, by)}
    assert agreed > 10, agreed


def log_excess(minutes, excess):
    """The ratio of Poisson likelihoods, at any rate of stable; each bet is from the minutes before."""
    log, known = 0.0, np.zeros(4)
    for x, n, y, m in minutes:
        if n > 0 and m > 0:
            s = (known[2] + 0.5) / (known[3] + 100)
            r = (known[0] + 1_000 * s) / (known[1] + 1_000)
            slope = lambda u: excess - r / (1 - u) + s / (1 + u * n / m)
            bet = optimize.brentq(slope, 0, 1 - 1e-12, xtol=1e-15) * 0.98 if slope(0) > 0 else 0.0
            rate = 0.01 + max(0.0, -excess)
            log += stats.poisson.logpmf(x, n * (rate + excess) * (1 - bet)) - stats.poisson.logpmf(x, n * (rate + excess))
            log += stats.poisson.logpmf(y, m * rate * (1 + bet * n / m)) - stats.poisson.logpmf(y, m * rate)
            # The two rates differ by the excess, so it stays in the exponent whatever stable's rate is.
        known += (x, n, y, m)
    return float(log)


def excess_bounds(minutes, beyond):
    over = lambda excess, minutes: log_excess(minutes, excess) + math.log(beyond)

    def highest(minutes):
        if over(1.0, minutes) <= 0:
            return 1.0
        return optimize.brentq(over, -1.0, 1.0, args=(minutes,), xtol=1e-13)

    return -highest([[y, m, x, n] for x, n, y, m in minutes]), highest(minutes)


def excesses():
    for minutes in releases():
        for excess, beyond in ((0.01, 0.05), (0.002, 0.001)):
            low, high = excess_bounds(minutes, beyond)
            yield {"minutes": minutes, "excess": excess, "evidence": log_excess(minutes, excess), "beyond": beyond, "low": low, "high": high}


def samples():
    rng = np.random.default_rng(20261121)
    sizes = [(1, 1), (3, 4), (7, 7), (10, 10), (12, 12), (12, 11), (10, 13), (20, 20), (8, 60), (60, 60), (150, 180)]
    for m, n in sizes:
        for shift in (0.0, 0.25, 0.6):
            a = np.round(np.exp(rng.normal(5 + shift, 0.3, m)), 6)
            b = np.round(np.exp(rng.normal(5, 0.3, n)), 6)
            yield a, b
    # Ties: latencies are often whole milliseconds. And nothing but ties.
    for m, n in [(4, 5), (7, 7), (6, 9), (40, 35), (80, 120)]:
        a = rng.integers(95, 103, m).astype(float)
        b = rng.integers(93, 101, n).astype(float)
        yield a, b
    yield np.full(5, 100.0), np.full(6, 100.0)
    yield np.full(30, 100.0), np.full(40, 100.0)


def enumerated(a, b):
    """Every way of dealing the values out, where ties keep SciPy's exact method from being exact."""
    ranks = stats.rankdata(np.concatenate([a, b]))
    mine = ranks[: len(a)].sum()
    sums = np.array([sum(chosen) for chosen in itertools.combinations(ranks, len(a))])
    return float((sums >= mine - 1e-9).mean()), float((sums <= mine + 1e-9).mean())


def ranks():
    for a, b in samples():
        ties = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
        # Where ours counts every way.
        small = len(a) <= 12 and len(b) <= 12
        above = stats.mannwhitneyu(a, b, alternative="greater", method="exact" if small else "asymptotic")
        below = stats.mannwhitneyu(a, b, alternative="less", method="exact" if small else "asymptotic")
        p_above, p_below = float(above.pvalue), float(below.pvalue)
        if small and ties:
            p_above, p_below = enumerated(a, b)
        if not (math.isfinite(p_above) and math.isfinite(p_below)):
            # Nothing but ties: SciPy divides by zero. There is nothing that could speak for either side.
            p_above = p_below = 1.0
        yield {
            "a": a.tolist(),
            "b": b.tolist(),
            "p_above": p_above,
            "p_below": p_below,
            "effect": float(above.statistic / (len(a) * len(b))),
        }


def cases():
    intervals = []
    for x, n in RATES:
        for beyond in (0.025, 0.0002):
            low, high = proportion_confint(x, n, alpha=2 * beyond, method="wilson")
            intervals.append([x, n, beyond, float(low), float(high)])
    found = {"intervals": intervals, "ratios": ratios(), "lines": lines(), "excesses": excesses(), "ranks": ranks()}
    return {kind: list(made) for kind, made in found.items()}


def differences(had, now, at=""):
    if isinstance(had, dict) and isinstance(now, dict) and had.keys() == now.keys():
        return [line for key in had for line in differences(had[key], now[key], f"{at}.{key}")]
    if isinstance(had, list) and isinstance(now, list) and len(had) == len(now):
        return [line for i, pair in enumerate(zip(had, now)) for line in differences(*pair, f"{at}[{i}]")]
    if had is None and now is None:
        return []
    if isinstance(had, (int, float)) and isinstance(now, (int, float)):
        return [] if math.isclose(had, now, rel_tol=1e-8, abs_tol=1e-12) else [f"{at}: {had} is {now} now"]
    return [f"{at}: {had} is {now} now"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", action="store_true", help="make the file anew")
    args = parser.parse_args()
    found = cases()
    if args.write:
        # A case a line.
        parts = []
        for kind, lines in found.items():
            parts.append(f' "{kind}": [\n' + ",\n".join("  " + json.dumps(line) for line in lines) + "\n ]")
        args.file.write_text("{\n" + ",\n".join(parts) + "\n}\n")
        return 0
    wrong = differences(json.loads(args.file.read_text()), found)
    print("\n".join(wrong) or f"{sum(map(len, found.values()))} reference values are what SciPy, statsmodels, savvi and confseq say")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
