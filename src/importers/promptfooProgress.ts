import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { AskedTest } from './promptfooTests.ts'
import { asFigure, asObject, sumOrNull } from './recordReading.ts'

/**
 * Whether the file has as many results as promptfoo counted, and as many tests as stand in its configuration: an export
 * may be made while an evaluation runs. Tests in files of their own, and what a filter left out, nobody can count.
 */
export function isFinished(
  results: (AskedTest | null)[],
  config: JsonObject,
  prompts: JsonValue[],
  stats: JsonObject,
): boolean {
  // promptfoo counts when all of them are through.
  const counted = sumOrNull([stats.successes, stats.failures, stats.errors])
  if (counted !== null && (counted > results.length || (counted === 0 && results.length > 0))) return false
  const ofPrompts = prompts.map((prompt) => {
    const { testPassCount, testFailCount, testErrorCount } = asObject(asObject(prompt).metrics)
    return sumOrNull([testPassCount, testFailCount, testErrorCount])
  })
  for (const [promptIdx, count] of ofPrompts.entries()) {
    if ((count ?? 0) > results.filter((result) => result?.promptIdx === promptIdx).length) return false
  }
  // A filter leaves no trace in the configuration of some versions: then the counts of all prompts say that it is all.
  const isCounted = ofPrompts.length > 0 && ofPrompts.every((count) => count !== null)
  if (isCounted && results.length > 0 && counted === results.length) return true
  const { tests, evaluateOptions, commandLineOptions } = config
  const options = { ...asObject(evaluateOptions), ...asObject(commandLineOptions) }
  const isFiltered = Object.entries(options).some(
    ([option, value]) => option.startsWith('filter') && value !== null,
  )
  if (isFiltered || !Array.isArray(tests) || !tests.every(isJsonObject)) return true
  const times = Math.max(asFigure(options.repeat) ?? 1, 1)
  return testsIn(results) >= tests.length * times
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
