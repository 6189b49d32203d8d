import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { providerOf } from './promptfooConfiguration.ts'
import { asFigure, asObject, asText, bounded, digest, type RecordPlace } from './recordReading.ts'

/** External ids are made of it. */
export const MAX_TEST_NAME_LENGTH = 300
const DIGEST_LENGTH = 8

/** What a result says of its test and prompt: as much as has to be known of all results together. */
export interface AskedTest {
  promptIdx: number | null
  testIdx: number | null
  /** Its description or id; null where it has none. */
  name: string | null
  /** A digest of its variables and assertions; null where it has neither these nor a name, so that nobody can tell it. */
  content: string | null
  run: string
}

/** Null for what is no result. */
export function askedTest(result: JsonValue): AskedTest | null {
  if (!isJsonObject(result)) return null
  const { description, id, vars = result.vars ?? null, assert = null } = asObject(result.testCase)
  const testIdx = asFigure(result.testIdx)
  const name = asText(description) ?? asText(id)
  const isNobody = name === null && testIdx === null && vars === null
  return {
    promptIdx: asFigure(result.promptIdx),
    testIdx,
    name,
    content: isNobody ? null : digest([vars, assert]),
    run: runKeyOf(result),
  }
}

/** Which of the pairs of prompt and provider a result is of: they are numbered in files since version 3. */
function runKeyOf(record: JsonObject): string {
  // In the first versions `display` is what later ones call the label.
  const { label, display, raw } = asObject(record.prompt)
  return digest(asFigure(record.promptIdx) ?? [providerOf(record), label ?? display ?? raw ?? null])
}

/**
 * Which test each result is of: the one of its description that asks the same, by the suite's first prompt (`template`),
 * its variables and its assertions. Nobody keeps descriptions apart, neither those of suites nor those of tests: two tasks
 * under one are compared and averaged as one, and nothing shows it, while a test that is asked otherwise and becomes
 * another scenario can be seen. Its place among others of its description would say nothing: it moves when one is put in.
 * Of several prompts the first counts, so that one more of them makes no other tests. A repeated test has its own
 * `testIdx` and is told by its equal content.
 */
export function placesOf(results: (AskedTest | null)[], template: JsonValue): (RecordPlace | null)[] {
  const places = results.map((): RecordPlace | null => null)
  const trials = new Map<string, number>()
  const inOrder = [...results.entries()].sort(([, a], [, b]) => indexOf(a) - indexOf(b))
  for (const [index, result] of inOrder) {
    if (!result || result.content === null) continue
    const { name, content, run } = result
    const asked = shortDigest([template, content])
    const taskId = `${bounded(name ?? 'test', MAX_TEST_NAME_LENGTH - DIGEST_LENGTH - 1)} ${asked}`
    const trialKey = JSON.stringify([run, taskId])
    const trial = trials.get(trialKey) ?? 0
    trials.set(trialKey, trial + 1)
    places[index] = { taskId, trial, run }
  }
  return places
}

function indexOf(result: AskedTest | null): number {
  return result?.testIdx ?? Number.MAX_SAFE_INTEGER
}

export function shortDigest(value: JsonValue): string {
  return digest(value).slice(0, DIGEST_LENGTH)
}
