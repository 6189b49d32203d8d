import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { ParsedFile } from '../../src/importers/format.ts'

/** What a result file adds up to. */
interface Totals {
  records: number
  scored: number
  passed: number
  score_sum: number
  status: Record<string, number>
  scenarios: number
  tokens: number
  cost_usd: number
  duration_s: number
  tool_calls: Record<string, number>
  /** Texts in the trajectories that hold U+0000, which PostgreSQL does not take. */
  nul_strings: number
}

// Real result files are large and lie beside the project; a checkout without them still tests everything else.
const dataFolder = new URL('../../../shared/data/', import.meta.url)
const expectations = new URL('expected-dev.json', dataFolder)

/** `[file, its expected totals]` for the real files of one format; empty where the data folder is absent. */
export function expectedTotals(format: string): [string, Totals][] {
  if (!existsSync(expectations)) return []
  const byFile: Record<string, Totals & { format: string }> = JSON.parse(readFileSync(expectations, 'utf8'))
  return Object.entries(byFile)
    .filter(([, expected]) => expected.format === format)
    .map(([file, { format: _format, ...totals }]) => [file, totals])
}

/** The parsed JSON of a real file, named as in `expected-dev.json`. */
export function realDocument(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, dataFolder), 'utf8'))
}

/** Where a real file lies. */
export function realPath(file: string): string {
  return fileURLToPath(new URL(file, dataFolder))
}

/** Expects that what an importer read adds up to the expected totals. */
export function expectTotals(parsed: ParsedFile, { duration_s, ...exact }: Totals): void {
  const { duration_s: importedDuration, ...imported } = totalsOf(parsed)
  expect(imported).toEqual(exact)
  // Every outcome is rounded to whole milliseconds, so the sum may be off by half of one for each.
  expect(Math.abs(importedDuration - duration_s)).toBeLessThanOrEqual(0.0005 * (exact.records + 1))
}

function totalsOf({ runs }: ParsedFile): Totals {
  const outcomes = runs.flatMap((run) => run.outcomes)
  const graded = outcomes.filter((outcome) => outcome.reliabilityScore != null)
  const toolUsage = outcomes.flatMap((outcome) => outcome.toolUsage ?? [])
  return {
    records: outcomes.length,
    scored: graded.length,
    passed: graded.filter((outcome) => outcome.status === 'success').length,
    score_sum: rounded(sum(graded.map((outcome) => outcome.reliabilityScore!)), 6),
    status: countBy(outcomes, (outcome) => [outcome.status, 1]),
    scenarios: new Set(runs.flatMap((run) => run.scenarios.map((scenario) => scenario.externalId))).size,
    tokens: sum(outcomes.map((outcome) => outcome.tokensUsed ?? 0)),
    cost_usd: rounded(sum(outcomes.map((outcome) => outcome.costUsd ?? 0)), 8),
    duration_s: rounded(sum(outcomes.map((outcome) => outcome.executionTimeMs ?? 0)) / 1000, 3),
    tool_calls: countBy(toolUsage, (usage) => [usage.toolName, usage.callCount]),
    nul_strings: sum(outcomes.map((outcome) => textsWith('\0', outcome.trajectory))),
  }
}

/** How many texts at any depth of a JSON value hold the character. */
export function textsWith(character: string, value: unknown): number {
  if (typeof value === 'string') return value.includes(character) ? 1 : 0
  if (typeof value !== 'object' || value === null) return 0
  return sum(Object.values(value).map((part) => textsWith(character, part)))
}

function countBy<Item>(items: Item[], keyAndCount: (item: Item) => [string, number]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [key, count] of items.map(keyAndCount)) counts[key] = (counts[key] ?? 0) + count
  return counts
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function rounded(number: number, digits: number): number {
  return Number(number.toFixed(digits))
}
