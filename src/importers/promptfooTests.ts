import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { providerOf } from './promptfooConfiguration.ts'
import { append, asFigure, asObject, asText, bounded, digest, type RecordPlace } from './recordReading.ts'

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
 * Which test each result is of. A repeated test has its own `testIdx` and is told by its equal variables and
 * assertions; of tests that share a description and differ in those, the second is another one. A test without a
 * description is what it asks, and so is any test of a suite without one: "test 1" of another suite is another test.
 *
 * `templates`: what the prompts of a suite without a name ask; null for one that has a name.
 */
export function placesOf(
  results: (AskedTest | null)[],
  templates: JsonValue[] | null,
): (RecordPlace | null)[] {
  const places = results.map((): RecordPlace | null => null)
  const variants = new Map<string, string[]>()
  const trials = new Map<string, number>()
  const inOrder = [...results.entries()].sort(([, a], [, b]) => indexOf(a) - indexOf(b))
  for (const [index, result] of inOrder) {
    if (!result || result.content === null) continue
    const { name: given, content, run } = result
    const asked = shortDigest([templates ?? [], content])
    const name =
      given === null
        ? `test ${asked}`
        : templates === null
          ? given
          : `${bounded(given, MAX_TEST_NAME_LENGTH - 10)} ${asked}`
    if (!variants.get(name)?.includes(content)) append(variants, name, content)
    const variant = variants.get(name)!.indexOf(content)
    const taskId = bounded(variant === 0 ? name : `${name} #${variant + 1}`, MAX_TEST_NAME_LENGTH)
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
