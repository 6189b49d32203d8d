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
  for (const [promptIdx, prompt] of prompts.entries()) {
    const { testPassCount, testFailCount, testErrorCount } = asObject(asObject(prompt).metrics)
    const ofPrompt = results.filter((result) => result?.promptIdx === promptIdx).length
    if ((sumOrNull([testPassCount, testFailCount, testErrorCount]) ?? 0) > ofPrompt) return false
  }
  const { tests, evaluateOptions, commandLineOptions } = config
  const options = { ...asObject(evaluateOptions), ...asObject(commandLineOptions) }
  const isFiltered = Object.keys(options).some((option) => option.startsWith('filter'))
  if (isFiltered || !Array.isArray(tests) || !tests.every(isJsonObject)) return true
  const times = Math.max(asFigure(options.repeat) ?? 1, 1)
  return new Set(results.map((result) => result?.testIdx)).size >= tests.length * times
}
