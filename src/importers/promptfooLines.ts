import type { JsonObject, JsonValue } from '../json.ts'
import type { ParsedFile, ResultFormat } from './format.ts'
import { itemsAt } from './oneByOne.ts'
import { parseResults } from './promptfoo.ts'
import { asFigure, asList, asObject, asText, canonicalJson, digest } from './recordReading.ts'

/**
 * Results of promptfoo as JSON Lines (`-o results.jsonl`): the results alone, without the suite around them. promptfoo
 * writes each when it is there, and all of them once more at the end, then with the evaluation's id: the last of a test and
 * prompt is the one that counts. Results without an id are of the evaluation whose id follows. While none does and nothing
 * stands there twice, it goes on: its first result, which stays the first, is then what it is known by.
 */
export const promptfooLines: ResultFormat = {
  name: 'promptfoo',
  shape: { '[].provider': 'value', '[].success': 'boolean', '[].testCase': 'object' },
  isReadOneByOne: true,
  detect: (document) => asList(document).some(isResult),
  parse: (document, path) => {
    const rows = asList(document)
    const byEvaluation = new Map<string, EvaluationRows>()
    let streamed: EvaluationRows = { start: null, rows: 0, last: new Map() }
    for (const [index, row] of rows.entries()) {
      const { evalId, testIdx, promptIdx } = asObject(row)
      const id = asText(evalId)
      if (id !== null && !byEvaluation.has(id)) {
        byEvaluation.set(id, streamed)
        streamed = { start: null, rows: 0, last: new Map() }
      }
      const evaluation = id === null ? streamed : byEvaluation.get(id)!
      const key = testIdx === undefined ? `row ${index}` : canonicalJson([testIdx, promptIdx ?? null])
      if (id === null) evaluation.start ??= digest(row)
      evaluation.rows++
      evaluation.last.set(key, index)
    }
    if (streamed.rows > 0) byEvaluation.set('', streamed)
    const parsed = [...byEvaluation].map(([evalId, evaluation]) => parseRows(evalId, evaluation, rows, path))
    return {
      runs: parsed.flatMap(({ runs }) => runs),
      rejected: parsed.flatMap(({ rejected }) => rejected),
      notes: parsed.flatMap(({ notes = [] }) => notes),
    }
  },
}

/** The rows of an evaluation: how many, and the last of each test and prompt by its index. */
interface EvaluationRows {
  /** A digest of the first without an id. */
  start: string | null
  rows: number
  last: Map<string, number>
}

function isResult(row: JsonValue): boolean {
  const { success, provider, ...rest } = asObject(row)
  return success !== undefined && provider !== undefined && ('prompt' in rest || 'testCase' in rest)
}

function parseRows(
  evalId: string,
  { start, rows: count, last }: EvaluationRows,
  rows: JsonValue[],
  path: string,
): ParsedFile {
  const results = itemsAt(rows, [...last.values()])
  const document: JsonObject = {
    ...(evalId === '' ? {} : { evalId }),
    results: { version: 3, results, prompts: promptsOf(results) },
    config: {},
  }
  const copies = count - results.length
  const isWhole = evalId !== '' || copies > 0
  const parsed = parseResults(document, results, path, { start, isWhole })
  const notes = copies === 0 ? [] : [`${copies} results stand in the file once more`]
  return { ...parsed, notes: [...notes, ...(parsed.notes ?? [])] }
}

/** Which prompts there are, by their numbers, as the file of the whole evaluation lists them: a label is the template. */
function promptsOf(results: JsonValue[]): JsonValue[] {
  const prompts: JsonValue[] = []
  for (const result of results) {
    const { promptIdx: given, prompt, provider } = asObject(result)
    const promptIdx = asFigure(given)
    if (promptIdx === null || !Number.isInteger(promptIdx) || promptIdx < 0 || promptIdx > 10_000) continue
    const { label, raw, config = null } = asObject(prompt)
    const { id, label: name } = asObject(provider)
    prompts[promptIdx] ??= {
      raw: asText(label) ?? raw ?? null,
      label: label ?? null,
      provider: asText(name) ?? id ?? provider ?? null,
      config,
    }
  }
  return Array.from(prompts, (prompt) => prompt ?? null)
}
