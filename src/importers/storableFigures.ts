import { MAX_COST_USD, MAX_INTEGER, MAX_PARTS } from '../valueChecks.ts'
import type { ImportedOutcome } from './format.ts'
import { EARLIEST_MS } from './runTimes.ts'

const WHOLE = ['executionTimeMs', 'tokensUsed', 'promptTokens', 'completionTokens'] as const

type Figures = Pick<
  ImportedOutcome,
  (typeof WHOLE)[number] | 'executionTime' | 'costUsd' | 'toolUsage' | 'failurePatterns'
>

/**
 * Those figures of a record that Arc would refuse it for, as it takes them, and in words what was changed: the record, with
 * its grade and its trajectory, is worth more than they are.
 */
export function storableFigures(
  outcome: ImportedOutcome,
  now: Date,
): { figures: Partial<Figures>; notes: string[] } {
  const figures: Partial<Figures> = {}
  const notes: string[] = []
  const leaveOut = (field: 'executionTime' | 'costUsd' | (typeof WHOLE)[number], note: string) => {
    figures[field] = null
    notes.push(note)
  }
  const { executionTime, costUsd, toolUsage, failurePatterns } = outcome
  if (executionTime && executionTime > now)
    leaveOut(
      'executionTime',
      'executionTime is in the future (perhaps a local time without its zone): the time of arrival replaces it',
    )
  else if (executionTime && executionTime.getTime() < EARLIEST_MS)
    leaveOut(
      'executionTime',
      'executionTime is before 2000 (a clock that was not set): the time of arrival replaces it',
    )
  for (const field of WHOLE) {
    const figure = outcome[field] ?? 0
    if (figure > MAX_INTEGER) leaveOut(field, `${field} is more than ${MAX_INTEGER}: it is unknown`)
    else if (!Number.isInteger(figure)) leaveOut(field, `${field} is no whole number: it is unknown`)
  }
  if ((costUsd ?? 0) > MAX_COST_USD)
    leaveOut('costUsd', `costUsd is more than ${MAX_COST_USD}: it is unknown`)
  if (toolUsage) {
    figures.toolUsage = toolUsage
      .slice(0, MAX_PARTS)
      .map((tool) => ((tool.avgDurationMs ?? 0) > MAX_INTEGER ? { ...tool, avgDurationMs: null } : tool))
    if (toolUsage.length > MAX_PARTS) notes.push(`only the first ${MAX_PARTS} tools are counted`)
  }
  if (failurePatterns && failurePatterns.length > MAX_PARTS) {
    figures.failurePatterns = failurePatterns.slice(0, MAX_PARTS)
    notes.push(`only the first ${MAX_PARTS} failures are stored`)
  }
  return { figures, notes }
}
