"""What SciPy and statsmodels say about cases of each kind that the judge's statistics meet."""

import argparse
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
from mpmath import mp
from scipy import optimize, stats
from statsmodels.stats.proportion import test_proportions_2indep

mp.dps = 60

# Errors and requests of a canary and of stable: none on either side, few, many, one-sided, all.
PAIRS = [
    (0, 30, 0, 30), (0, 30, 0, 2_970), (1, 30, 0, 2_970), (3, 30, 12, 2_970), (30, 30, 0, 30), (0, 30, 30, 30),
    (30, 30, 30, 30), (5, 300, 60, 29_700), (6, 300, 148, 29_700), (15, 300, 148, 29_700), (2, 120, 50, 50_000),
    (0, 1_000_000, 0, 1_000_000), (1, 1_000_000, 0, 1_000_000), (5_000, 1_000_000, 5_000, 1_000_000),
    (5_300, 1_000_000, 5_000, 1_000_000), (520, 100_000, 50_000, 10_000_000), (60_000, 1_000_000, 50_000, 1_000_000),
    (7, 10, 1, 12), (12, 4_321, 1, 8_765), (1, 1, 0, 1), (40, 50, 50_000, 100_000), (0, 700, 200, 100_000),
]
# Errors, requests, and the line that the rate is held against.
LINES = [
    (0, 30, 0.05), (1, 30, 0.05), (4, 30, 0.05), (8, 30, 0.05), (30, 30, 0.05), (60, 1_000, 0.05), (89, 1_000, 0.05),
    (50_000, 1_000_000, 0.05), (50_900, 1_000_000, 0.05), (51_300, 1_000_000, 0.05), (3, 1_000_000, 1e-6),
    (9, 1_000_000, 1e-6), (12, 12, 0.5), (9, 12, 0.5), (1, 1, 0.5), (700, 1_000, 0.999),
]
RATES = [(0, 30), (1, 30), (29, 30), (30, 30), (10, 100), (0, 1_000_000), (1, 1_000_000), (5_000, 1_000_000), (999_999, 1_000_000)]


def fitted(xa, na, xb, nb, delta):
    """The likeliest rates that differ by delta: Farrington and Manning's closed form, in sixty digits, for in sixteen
    it is off in the third where a count is 0."""
    pa, pb, delta, theta = mp.mpf(xa) / na, mp.mpf(xb) / nb, mp.mpf(delta), mp.mpf(nb) / na
    a = 1 + theta
    b = -(1 + theta + pa + theta * pb + delta * (theta + 2))
    c = delta**2 + delta * (2 * pa + theta + 1) + pa + theta * pb
    d = -pa * delta * (1 + delta)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = mp.sqrt(max((b / (3 * a)) ** 2 - c / (3 * a), mp.mpf(0))) * (1 if v > 0 else -1)
    w = (mp.pi + mp.acos(max(min(v / u**3, mp.mpf(1)), mp.mpf(-1)))) / 3 if u != 0 else mp.mpf(0)
    rate = min(max(2 * u * mp.cos(w) - b / (3 * a), max(delta, mp.mpf(0))), min(1 + delta, mp.mpf(1)))
    return rate, rate - delta


def exact_score(xa, na, xb, nb, delta):
    ra, rb = fitted(xa, na, xb, nb, delta)
    variance = (ra * (1 - ra) / na + rb * (1 - rb) / nb) * (na + nb) / (na + nb - 1)
    distance = mp.mpf(xa) / na - mp.mpf(xb) / nb - mp.mpf(delta)
    # Where nothing can vary, no distance is none.
    return distance / mp.sqrt(variance) if variance > 0 else mp.mpf(0) if distance == 0 else mp.sign(distance) * 10**6


def score(xa, na, xb, nb, delta):
    ours = float(exact_score(xa, na, xb, nb, delta))
    if 0 < xa < na and 0 < xb < nb:
        if delta == 0:
            theirs = test_proportions_2indep(xa, na, xb, nb, value=0, method="score", compare="diff").statistic
            assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12), (xa, na, xb, nb, ours, theirs)
        # statsmodels 0.15 has x0*delta in L1 where Miettinen and Nurminen have n0*delta, so elsewhere it is SciPy that
        # finds the likeliest rates.
        unlikely = lambda r: -(xa * math.log(r + delta) + (na - xa) * math.log1p(-r - delta) + xb * math.log(r) + (nb - xb) * math.log1p(-r))
        low, high = max(0, -delta), min(1, 1 - delta)
        edge = (high - low) * 1e-12
        found = optimize.minimize_scalar(unlikely, bounds=(low + edge, high - edge), method="bounded", options={"xatol": 1e-12})
        rate = float(fitted(xa, na, xb, nb, delta)[1])
        assert math.isclose(rate, found.x, abs_tol=1e-6), (xa, na, xb, nb, delta, rate, found.x)
    return ours, float(stats.norm.cdf(ours))


def bounds(xa, na, xb, nb, beyond):
    z = float(stats.norm.isf(beyond))
    observed = xa / na - xb / nb

    def crossing(low, high, level):
        if low == high:
            return low
        above = lambda delta: float(min(max(exact_score(xa, na, xb, nb, delta), -(10**6)), 10**6)) - level
        return low if above(low) <= 0 else high if above(high) >= 0 else float(optimize.brentq(above, low, high, xtol=1e-15, rtol=1e-14))

    return crossing(-1.0, observed, z), crossing(observed, 1.0, -z)


def counts():
    for xa, na, xb, nb in PAIRS:
        case = {"a": [xa, na], "b": [xb, nb]}
        # SciPy's fisher_exact with a one-sided alternative is this tail.
        tail = stats.hypergeom(na + nb, xa + xb, na)
        case["worse"] = float(tail.sf(xa - 1))
        if na + nb < 200_000:
            same = stats.fisher_exact([[xa, na - xa], [xb, nb - xb]], alternative="greater").pvalue
            assert math.isclose(case["worse"], same, rel_tol=1e-6), (case, same)
        case["scores"] = [[delta, *score(xa, na, xb, nb, delta)] for delta in (0.0, 0.005, -0.01, 0.2)]
        case["difference"] = [[beyond, *bounds(xa, na, xb, nb, beyond)] for beyond in (0.025, 0.001)]
        yield case


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
    above = [[x, n, line, float(stats.binom.sf(x - 1, n, line))] for x, n, line in LINES]
    intervals = []
    for x, n in RATES:
        for beyond in (0.025, 0.0002):
            interval = stats.binomtest(x, n).proportion_ci(confidence_level=1 - 2 * beyond, method="exact")
            intervals.append([x, n, beyond, float(interval.low), float(interval.high)])
    return {"above_line": above, "bounds": intervals, "counts": list(counts()), "ranks": list(ranks())}


def differences(had, now, at=""):
    if isinstance(had, dict) and isinstance(now, dict) and had.keys() == now.keys():
        return [line for key in had for line in differences(had[key], now[key], f"{at}.{key}")]
    if isinstance(had, list) and isinstance(now, list) and len(had) == len(now):
        return [line for i, pair in enumerate(zip(had, now)) for line in differences(*pair, f"{at}[{i}]")]
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
    print("\n".join(wrong) or f"{sum(map(len, found.values()))} reference values are what SciPy says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
