export interface AnswerSize {
  /** As JSON writes them. */
  characters: number
  /** That it takes at most, as the text in memory or as what is sent. */
  bytes: number
}

/** What JSON writes as it is, in one byte. */
const ESCAPED_OR_WIDE = /[^ !#-[\]-~]/

/** Those of U+0000 to U+001F that have an escape of two characters. */
const SHORT_ESCAPES = new Set([...'\b\t\n\f\r'].map((character) => character.charCodeAt(0)))
/** How much longer the escape of the others is, and of half a surrogate pair: \u0000 */
const LONG_ESCAPE = 5
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * How large a value is as JSON; undefined when it has more characters than `limit`. Stops there: what stands in an answer
 * under a hundred aliases is one object in memory, and a hundred in the answer.
 */
export function sizeWithin(limit: number, value: unknown): AnswerSize | undefined {
  let characters = 0
  let bytes = 0
  /** With one character beyond U+00FF all of a text takes two bytes for each. */
  let isWide = false
  const waiting: unknown[] = [value]

  function add(count: number): void {
    characters += count
    bytes += count
  }

  function addText(text: string): void {
    add(2)
    if (!ESCAPED_OR_WIDE.test(text)) {
      add(text.length)
      return
    }
    // Each unit is one character and one byte, and some are more.
    let [moreCharacters, moreBytes] = [0, 0]
    for (let at = 0; at < text.length && characters + moreCharacters <= limit; at++) {
      const code = text.charCodeAt(at)
      if (code < 0x20) moreCharacters += SHORT_ESCAPES.has(code) ? 1 : LONG_ESCAPE
      else if (code === QUOTE || code === BACKSLASH) moreCharacters += 1
      else if (code > 0x7f) {
        const point = text.codePointAt(at)!
        if (point >= 0xd800 && point <= 0xdfff) moreCharacters += LONG_ESCAPE
        else {
          isWide ||= point > 0xff
          // A pair is four bytes for two units.
          if (point > 0xffff) at++
          moreBytes += point < 0x800 ? 1 : 2
        }
      }
    }
    add(text.length + moreCharacters)
    bytes += moreBytes
  }

  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next === 'string') addText(next)
    else if (typeof next !== 'object' || next === null) add(String(next ?? null).length)
    else if (Array.isArray(next)) {
      add(Math.max(2, next.length + 1))
      for (const item of next) waiting.push(item)
    } else {
      let fields = 0
      for (const key in next) {
        const inner = (next as Record<string, unknown>)[key]
        if (inner === undefined) continue
        fields++
        addText(key)
        waiting.push(inner)
      }
      add(Math.max(2, 2 * fields + 1))
    }
    if (characters > limit) return undefined
  }
  return { characters, bytes: isWide ? Math.max(bytes, 2 * characters) : bytes }
}

/** The same of what is a text already. */
function textSize(text: string): AnswerSize {
  const { length } = text
  // Twice as much in memory as soon as one character is beyond U+00FF, which takes three bytes when it is sent.
  const bytes = Buffer.byteLength(text)
  return { characters: length, bytes: bytes === length ? bytes : Math.max(bytes, 2 * length) }
}

/** The same of pieces. How many characters bytes are is looked at where together they could be too many. */
export function piecesSize(limit: number, pieces: readonly (string | Buffer)[]): AnswerSize {
  const sizes = pieces.map((piece) =>
    typeof piece === 'string' ? textSize(piece) : { characters: piece.length, bytes: piece.length },
  )
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0)
  const characters = sizes.reduce((sum, size) => sum + size.characters, 0)
  if (characters <= limit) return { characters, bytes }
  return { characters: pieces.reduce((sum, piece) => sum + piece.toString().length, 0), bytes }
}
