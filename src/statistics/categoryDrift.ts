import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { equalTests } from './equalTests.ts'
import { adjustedPValues, type Correction } from './multiplicity.ts'
import { comparePaired, type PairedComparison } from './pairedComparison.ts'

/** A scenario of two runs: for each repetition the categories that it has, none if it has none, as a pass has no failure's. */
export interface ScenarioCategories {
  baseline: readonly (readonly string[])[]
  candidate: readonly (readonly string[])[]
}

interface CategoryDrift {
  category: string
  /** Of the shares of a scenario's repetitions that have it. Its means are the rates. */
  comparison: PairedComparison
  adjustedPValue: number | null
}

export interface Drift {
  /** That both runs have repetitions of; the others are left out. */
  scenarios: number
  /** By adjusted p-value, then by name. Those that a repetition of these scenarios has. */
  categories: CategoryDrift[]
  /** Whether the runs' categories differ at all, in one test. Null without a scenario or a category. */
  pValue: number | null
}

/** Up to 2^11 ways to flip all scenarios' signs are all tried. */
const EXACT_UP_TO = 12
/** The least p is 1 in 2,000. */
const FLIPS = 1999
/** Flips times differences that are not zero: below 0.1 s. With more of them fewer flips are made, 199 at least. */
const MOST_STEPS = 5e6
/** Of 25,000 differences at most: below 10 ms. */
const FLIPS_A_STEP = 20

/**
 * Compares how often categories occur in two runs, scenario by scenario: a paired exact test for each, corrected for their number (two of which all runs have one
 * are one test), and one for all. A
 * table of counts over all repetitions (χ², Fisher) would take repetitions of a scenario for independent ones, and see drift where one scenario failed five times.
 */
export function categoryDrift(
  scenarios: readonly ScenarioCategories[],
  correction: Correction = 'HOLM',
): Drift {
  return [...driftInSteps(scenarios, correction)].at(-1)!
}

/** The same in steps of some milliseconds, of which the last one brings it: over 1,000 scenarios it takes a fifth of a second. */
export function* driftInSteps(
  scenarios: readonly ScenarioCategories[],
  correction: Correction = 'HOLM',
): Generator<Drift | undefined, undefined> {
  const paired = scenarios.filter(({ baseline, candidate }) => baseline.length > 0 && candidate.length > 0)
  const names = new Set(
    paired.flatMap(({ baseline, candidate }) => [...baseline.flat(), ...candidate.flat()]),
  )
  const categories = [...names].sort()
  const has = (repetitions: readonly (readonly string[])[], category: string) =>
    repetitions.map((found) => (found.includes(category) ? 1 : 0))
  const comparisons: PairedComparison[] = []
  for (const category of categories) {
    comparisons.push(
      comparePaired(
        paired.map(({ baseline, candidate }) => ({
          baseline: has(baseline, category),
          candidate: has(candidate, category),
        })),
        'PASS_FAIL',
      ),
    )
    yield undefined
  }
  const adjusted = adjustedPValues(
    comparisons.map(({ pValue }) => pValue),
    correction,
    equalTests(comparisons.map(({ means }) => means)),
  )
  const pValue =
    categories.length === 0
      ? null
      : yield* overallP(paired.map((scenario) => differencesOf(scenario, categories)))
  yield {
    scenarios: paired.length,
    categories: categories
      .map((category, i) => ({ category, comparison: comparisons[i]!, adjustedPValue: adjusted[i]! }))
      .sort((x, y) => x.adjustedPValue! - y.adjustedPValue!),
    pValue,
  }
}

/** Differences of rates by the number of the category, those that are zero left out. */
type Differences = readonly (readonly [category: number, difference: number])[]

function differencesOf(
  { baseline, candidate }: ScenarioCategories,
  categories: readonly string[],
): Differences {
  const share = (repetitions: readonly (readonly string[])[], category: string) =>
    repetitions.filter((found) => found.includes(category)).length / repetitions.length
  return categories.flatMap((category, i) => {
    const difference = share(candidate, category) - share(baseline, category)
    return difference === 0 ? [] : [[i, difference] as const]
  })
}

/**
 * Sign-flip permutation test of all categories together: a scenario's differences keep together, so that categories may depend on each other. The statistic is the
 * sum of squared standardised sums, Σ_c (Σ_i d_ic)² / Σ_i d_ic². Random flips have a seed from the data, in an order and with signs that are the same whichever
 * run comes first.
 */
function* overallP(scenarios: readonly Differences[]): Generator<undefined, number> {
  const changed = scenarios.filter(({ length }) => length > 0)
  if (changed.length === 0) return 1
  const squares: number[] = []
  for (const [category, difference] of changed.flat())
    squares[category] = (squares[category] ?? 0) + difference * difference
  const statistic = (sums: ArrayLike<number>) =>
    squares.reduce((sum, square, category) => sum + (sums[category]! * sums[category]!) / square, 0)
  const sumsOf = (rows: readonly Differences[]) => {
    // Flat, as what random flips take their time with.
    const ends: number[] = []
    let end = 0
    for (const { length } of rows) {
      end += length
      ends.push(end)
    }
    const categories = Int32Array.from(rows.flat(), ([category]) => category)
    const differences = Float64Array.from(rows.flat(), ([, difference]) => difference)
    return (sign: (row: number) => number) => {
      const sums = new Float64Array(squares.length)
      let at = 0
      for (let row = 0; row < ends.length; row++) {
        const by = sign(row)
        for (; at < ends[row]!; at++) sums[categories[at]!]! += by * differences[at]!
      }
      return sums
    }
  }
  const seen = statistic(sumsOf(changed)(() => 1)) * (1 - 1e-9)
  const rows = changed
    .map((row) =>
      row.map(([category, difference]) => [category, row[0]![1] < 0 ? -difference : difference] as const),
    )
    .map((row) => ({ row, text: JSON.stringify(row) }))
    .sort((x, y) => (x.text < y.text ? -1 : x.text > y.text ? 1 : 0))
  const ordered = rows.map(({ row }) => row)
  const sums = sumsOf(ordered)
  const extreme = (sign: (row: number) => number) => (statistic(sums(sign)) >= seen ? 1 : 0)
  let count = 0
  if (ordered.length <= EXACT_UP_TO) {
    // All signs turned at once change nothing: the first row keeps its own.
    const ways = 2 ** (ordered.length - 1)
    for (let way = 0; way < ways; way++) count += extreme((row) => ((way << 1) & (1 << row) ? -1 : 1))
    return count / ways
  }
  const flips = Math.max(199, Math.min(FLIPS, Math.floor(MOST_STEPS / ordered.flat().length)))
  const random = xoroshiro128plus(seedOf(rows.map(({ text }) => text)))
  let bits = 0
  for (let flip = 0; flip < flips; flip++) {
    if (flip % FLIPS_A_STEP === 0) yield undefined
    count += extreme((row) => {
      if (row % 32 === 0) bits = random.next()
      const sign = bits & 1 ? -1 : 1
      bits >>>= 1
      return sign
    })
  }
  return (count + 1) / (flips + 1)
}

/** FNV-1a, 32 bits. */
function seedOf(texts: readonly string[]): number {
  let hash = 0x811c9dc5
  for (const text of texts)
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
