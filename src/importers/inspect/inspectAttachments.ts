import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { asObject } from '../recordReading.ts'

/**
 * What may be put in place of references in the events of one sample, in characters. Every model call repeats the
 * conversation before it, so that a long one grows with its square: beyond this the references stay.
 */
const MAX_RESOLVED_LENGTH = 1_000_000

const REFERENCE = /^(?:attachment|tc):\/\/(\w+)$/

/**
 * The sample with its long texts where Inspect has `attachment://<hash>` (`tc://<hash>` in its first logs). The events
 * of all versions stand in `events`. Where they would grow too long they keep their references, and `attachments` stays
 * beside them; else it is gone.
 */
export function withAttachments(sample: JsonObject): JsonObject {
  const { attachments, transcript, events = asObject(transcript).events, ...rest } = sample
  const texts = new Map(
    Object.entries({ ...asObject(asObject(transcript).content), ...asObject(attachments) }),
  )
  const resolved = resolve(rest, texts, { left: Number.POSITIVE_INFINITY }) as JsonObject
  if (events === undefined) return resolved
  const budget = { left: MAX_RESOLVED_LENGTH }
  const resolvedEvents = resolve(events, texts, budget)
  return budget.left >= 0
    ? { ...resolved, events: resolvedEvents }
    : { ...resolved, events, attachments: Object.fromEntries(texts) }
}

function resolve(value: JsonValue, texts: Map<string, JsonValue>, budget: { left: number }): JsonValue {
  if (typeof value === 'string') {
    const hash = REFERENCE.exec(value)?.[1]
    const text = hash === undefined ? undefined : texts.get(hash)
    if (typeof text !== 'string') return value
    budget.left -= text.length
    return text
  }
  if (budget.left < 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => resolve(item, texts, budget))
  return isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, texts, budget)]))
    : value
}
