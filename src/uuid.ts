import { hash } from 'node:crypto'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}

/** One id for one text, from its SHA-256: a call with it may be repeated. UUID version 8 (RFC 9562). */
export function derivedUuid(text: string): string {
  const hex = hash('sha256', text)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The lowest id that UUIDv7 gives to a moment: those made earlier are below it, those made at it or later are not. */
export function lowestUuidAt(timeMs: number): string {
  const hex = Math.max(0, timeMs).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** The moment that a UUIDv7 was made of; of times before 1970 it has the lower 48 bits. Of any other id: some moment. */
export function timeOfUuid(uuid: string): Date {
  const timeMs = Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)
  return new Date(timeMs < 2 ** 47 ? timeMs : timeMs - 2 ** 48)
}
