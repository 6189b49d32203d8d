import { hash } from 'node:crypto'

/** Far below the 16,383 characters up to which V8 looks at a text. */
const MAX_LENGTH = 1_000

/**
 * A text that a stranger chose, as a key of a Map or an entry of a Set. V8 tells texts of more than 16,383 characters apart
 * by their length alone, and finds one among many of the same length by comparing it with each.
 */
export function mapKey(text: string): string {
  return text.length > MAX_LENGTH ? hash('sha256', text) : text
}
