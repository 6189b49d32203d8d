import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { AskedTest } from './promptfooTests.ts'
import { asFigure, asObject, sumOrNull } from './recordReading.ts'

/** What a file tells of how much more its evaluation has. */
export interface Progress {
  /** How many results a run lacks, by the number of its prompt; null where nobody can say it yet. */
  missing: ((promptIdx: number | null) => number) | null
  /** Whether anything tells how many there are. */
  isCounted: boolean
}

/**
 * By what promptfoo counted, and by the tests that stand in its configuration: an export may be made while an evaluation
 * runs, and hold a part of it. Tests in files of their own, and what a filter left out, nobody can count.
 */
export function progressOf(
  results: (AskedTest | null)[],
  config: JsonObject,
  prompts: JsonValue[],
  stats: JsonObject,
): Progress {
  // promptfoo counts when all of them are through.
  const counted = sumOrNull([stats.successes, stats.failures, stats.errors])
  if (counted === 0 && results.length > 0) return { missing: null, isCounted: true }
  const ofPrompts = prompts.map((prompt) => {
    const { testPassCount, testFailCount, testErrorCount } = asObject(asObject(prompt).metrics)
    return sumOrNull([testPassCount, testFailCount, testErrorCount])
  })
  const lacking = ofPrompts.map((count, promptIdx) =>
    Math.max(0, (count ?? 0) - results.filter((result) => result?.promptIdx === promptIdx).length),
  )
  const runs = new Set(results.flatMap((result) => result?.run ?? [])).size
  const left = Math.max(0, (counted ?? 0) - results.length)
  const ofEach = lacking.some((count) => count > 0) ? 0 : Math.ceil(left / Math.max(1, runs))
  // A filter leaves no trace in the configuration of some versions: then the counts of all prompts say that it is all.
  const areAllCounted = ofPrompts.length > 0 && ofPrompts.every((count) => count !== null)
  const isAll = areAllCounted && results.length > 0 && counted === results.length
  const tests = plannedTests(config)
  const ofTests = isAll || tests === null ? 0 : Math.max(0, tests - testsIn(results))
  return {
    missing: (promptIdx) => Math.max(promptIdx === null ? 0 : (lacking[promptIdx] ?? 0), ofEach, ofTests),
    isCounted: counted !== null || areAllCounted || tests !== null,
  }
}

function plannedTests({ tests, evaluateOptions, commandLineOptions }: JsonObject): number | null {
  const options = { ...asObject(evaluateOptions), ...asObject(commandLineOptions) }
  const isFiltered = Object.entries(options).some(
    ([option, value]) => option.startsWith('filter') && value !== null,
  )
  if (isFiltered || !Array.isArray(tests) || !tests.every(isJsonObject)) return null
  return tests.length * Math.max(asFigure(options.repeat) ?? 1, 1)
}

/** By their numbers; of results without numbers, the first versions', by how many there are of one prompt and provider. */
function testsIn(results: (AskedTest | null)[]): number {
  const byRun = new Map<string, number>()
  for (const result of results) {
    if (result && result.testIdx === null) byRun.set(result.run, (byRun.get(result.run) ?? 0) + 1)
  }
  const numbered = new Set(results.flatMap((result) => result?.testIdx ?? []))
  return numbered.size + Math.max(0, ...byRun.values())
}
