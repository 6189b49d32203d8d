import { hash } from 'node:crypto'
import type { InputPath } from '../../refusal.ts'
import { invalid } from '../../valueChecks.ts'

/** The form of a scenario's key. */
const SCENARIO_KEY = /^[a-z0-9_]{1,100}$/

/** What is left of 100 characters beside `_` and eight hex digits. */
const MAX_SLUG_LENGTH = 91

/**
 * The key under which a scenario is stored (`^[a-z0-9_]+$`, at most 100 characters) for a source's own id of any
 * form. An id that fits is its own key; any other becomes a readable slug plus eight hex digits of the SHA-256
 * of the original, so that `Task-1` and `task.1` stay two scenarios. The same id always gives the same key.
 */
export function scenarioKey(externalId: string): string {
  if (SCENARIO_KEY.test(externalId)) return externalId
  const slug = externalId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, MAX_SLUG_LENGTH + 1)
    .replace(/^_/, '')
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/_$/, '')
  return `${slug || 'scenario'}_${hash('sha256', externalId).slice(0, 8)}`
}

/** The key of a scenario as a caller gives it. */
export function checkedScenarioKey(value: unknown, path: InputPath): string {
  if (typeof value === 'string' && SCENARIO_KEY.test(value)) return value
  const allowed = '1 to 100 lower-case letters, digits and _'
  const hint =
    typeof value === 'string' && value !== ''
      ? `${allowed}; a scenario stored by this external id has the key ${scenarioKey(value)}`
      : allowed
  throw invalid(value, hint, path)
}
