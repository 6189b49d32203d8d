import fc from 'fast-check'
import { expect } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { exactNumber, stringifyExactly } from '../../src/exactNumbers.ts'
import type { ImportedRun, ParsedFile } from '../../src/importers/format.ts'
import { lengthOf } from '../../src/text.ts'

/** What a place in a document is replaced with; undefined deletes it. */
const replacements = [
  undefined,
  null,
  0,
  -1,
  7,
  1e300,
  exactNumber('9007199254740993'),
  exactNumber('0.12345678901234567891'),
  'text',
  '',
  '\u0000',
  true,
  [],
  [null],
  [[]],
  {},
  { id: {} },
]

interface Mutation {
  /** One step per number, modulo the children there; a walk that runs out of children stops. */
  walk: number[]
  replacement: unknown
}

const mutations = fc.array(
  fc.record<Mutation>({
    walk: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
    replacement: fc.constantFrom(...replacements),
  }),
  { minLength: 1, maxLength: 6 },
)

/** Copies of a document with up to six places deleted or replaced, at any depth below the root. */
export function mutatedDocument<Document extends object>(document: Document): fc.Arbitrary<Document> {
  return mutations.map((all) => {
    const copy = structuredClone(document)
    for (const mutation of all) mutate(copy, mutation)
    return copy
  })
}

function mutate(node: object, { walk, replacement }: Mutation): void {
  const keys = Object.keys(node)
  const [step, ...rest] = walk
  if (keys.length === 0 || step === undefined) return
  const key = keys[step % keys.length]!
  const child: unknown = Reflect.get(node, key)
  if (rest.length > 0 && typeof child === 'object' && child !== null)
    mutate(child, { walk: rest, replacement })
  else if (replacement !== undefined) Reflect.set(node, key, structuredClone(replacement))
  else if (Array.isArray(node)) node.splice(Number(key), 1)
  else Reflect.deleteProperty(node, key)
}

const MARK = JSON.stringify(exactNumber('9007199254740993')).slice(1, -'9007199254740993"'.length)

/** Without what may be any JSON. */
function textsOf({ metadata: _run, scenarios, outcomes, ...run }: ImportedRun): string {
  return JSON.stringify([
    run,
    scenarios.map(({ groundTruth: _truth, metadata: _metadata, ...texts }) => texts),
    outcomes.map(({ trajectory: _trajectory, metrics: _metrics, ...texts }) => texts),
  ])
}

/** What marks a number on its way stands in no text, and in no key: only as a whole value it is written as a number. */
export function expectNoMarks({ runs, rejected, notes = [] }: ParsedFile): void {
  expect(stringifyExactly([runs, rejected, notes])).not.toContain(MARK)
  for (const run of runs) expect(textsOf(run)).not.toContain(MARK)
}

/** What holds for whatever an importer reads, of a file however broken, with this many records. */
export function expectSound({ runs, rejected }: ParsedFile, records: number): void {
  expectNoMarks({ runs, rejected })
  expect(runs.flatMap((run) => run.outcomes).length + rejected.length).toBe(records)
  for (const { reason, record } of rejected)
    expect([record, reason].every((text) => text.length > 3)).toBe(true)
  for (const run of runs) {
    expect(lengthOf(run.configuration.name)).toBeLessThanOrEqual(100)
    expect(parseYaml(run.configuration.yaml).model).toEqual(expect.any(String))
    const places = run.outcomes.map(
      ({ repetition, retryCount, scenarioExternalId }) =>
        `${repetition} ${retryCount ?? 0} ${scenarioExternalId}`,
    )
    expect(new Set(places).size).toBe(places.length)
    const scenarios = new Set(run.scenarios.map((scenario) => scenario.externalId))
    expect(scenarios.size).toBe(run.scenarios.length)
    for (const scenario of run.scenarios) expect(scenario.taskPrompt).not.toBe('')
    for (const outcome of run.outcomes) {
      expect(scenarios.has(outcome.scenarioExternalId)).toBe(true)
      expect(outcome.repetition).toBeLessThanOrEqual(run.repetitions)
      expect(outcome.reliabilityScore ?? 0).toBeGreaterThanOrEqual(0)
      expect(outcome.reliabilityScore ?? 0).toBeLessThanOrEqual(1)
      expect(outcome.status === 'success').toBe((outcome.failurePatterns ?? []).length === 0)
      for (const usage of outcome.toolUsage ?? [])
        expect(usage.successRate * usage.callCount).toBeGreaterThanOrEqual(0)
      for (const { errorMessage } of outcome.failurePatterns ?? [])
        expect(lengthOf(errorMessage!)).toBeLessThan(10_001)
    }
  }
}
