/**
 * How p-values of several metrics or candidates are adjusted. HOLM holds the probability of any false alarm among all (Holm 1979, Scand. J. Statist. 6:65), however they
 * depend on each other, and is the default: one false WORSE stops a release. BENJAMINI_HOCHBERG holds the expected share of false ones among those that are
 * shown (1995, J. R. Statist. Soc. B 57:289; independent or positively dependent), for looking through many. NONE: each alone.
 */
export type Correction = 'HOLM' | 'BENJAMINI_HOCHBERG' | 'NONE'

/**
 * Adjusted p-values in the order given, as R's p.adjust has them. Null is no test, and stays so.
 * @param testOf the number of its test for each p-value: those of one test count once (`equalTests`). Unless said each is its own.
 */
export function adjustedPValues(
  pValues: readonly (number | null)[],
  correction: Correction = 'HOLM',
  testOf?: readonly number[],
): (number | null)[] {
  if (testOf) {
    const firsts = testOf.map((test) => testOf.indexOf(test))
    const distinct = adjustedPValues(
      pValues.map((p, index) => (firsts[index] === index ? p : null)),
      correction,
    )
    return firsts.map((first) => distinct[first]!)
  }
  const adjusted = [...pValues]
  if (correction === 'NONE') return adjusted
  const tests = pValues.flatMap((p, index) => (p === null ? [] : [{ p, index }])).sort((x, y) => x.p - y.p)
  const m = tests.length
  let last = correction === 'HOLM' ? 0 : 1
  for (let step = 0; step < m; step++) {
    const rank = correction === 'HOLM' ? step : m - 1 - step
    const { p, index } = tests[rank]!
    last =
      correction === 'HOLM'
        ? Math.max(last, Math.min(1, (m - rank) * p))
        : Math.min(last, (m * p) / (rank + 1))
    adjusted[index] = last
  }
  return adjusted
}
