import { isoTimeMs } from '../calendar.ts'
import { isText } from '../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { figureIn, shown } from './recordReading.ts'
import { noteUnknown } from './unknownFigures.ts'

/** What a time since 1970 is counted in, by what it is less than: seconds, or thousandths of these, up to nanoseconds. */
const EPOCH_UNITS: [below: number, perMs: number][] = [
  [1e11, 1e-3],
  [1e14, 1],
  [1e17, 1e3],
  [1e20, 1e6],
]
/** 1973 in seconds: a number below is a duration or a count. */
const LEAST_EPOCH = 1e8

/**
 * A time in milliseconds since 1970, its microseconds as a fraction: from an ISO time, as isoTimeMs reads it, or from a
 * number of seconds, milliseconds, microseconds or nanoseconds; null when it is none.
 */
export function epochMs(value: JsonValue | undefined): number | null {
  // 14 digits are a day and an hour without anything between.
  const figure = isText(value) && /^\s*\d{14}\s*$/.test(value) ? null : figureIn(value)
  if (figure !== null) {
    const unit = figure < LEAST_EPOCH ? undefined : EPOCH_UNITS.find(([below]) => figure < below)
    return unit ? figure / unit[1] : null
  }
  return isText(value) ? isoTimeMs(value.trim()) : null
}

/** The same as a date. */
export function dateOf(value: JsonValue | undefined): Date | null {
  const ms = epochMs(value)
  return ms === null ? null : new Date(ms)
}

/** The time under `key` in milliseconds, as epochMs reads it; one that it cannot read is unknown, and is noted. */
export function timeMsOf(record: JsonObject, key: string): number | null {
  const value = record[key]
  const ms = epochMs(value)
  if (ms === null && value !== undefined && value !== null && value !== '')
    noteUnknown(record, key, `${key} is ${shown(value)}, not a time`)
  return ms
}

/** The same as a date. */
export function timeOf(record: JsonObject, key: string): Date | null {
  const ms = timeMsOf(record, key)
  return ms === null ? null : new Date(ms)
}

/** From a start to an end in whole milliseconds; null where one of them is unknown, or the end is before the start. */
export function spanMs(start: number | null, end: number | null): number | null {
  return start === null || end === null || end < start ? null : Math.round(end - start)
}

/** How long what has these times took; a single one tells it of nothing. */
export function spanOf(times: number[]): number | null {
  return times.length < 2 ? null : spanMs(times[0]!, times.at(-1)!)
}
