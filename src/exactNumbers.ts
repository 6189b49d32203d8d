/*
JavaScript's numbers have 53 bits: of a 64-bit id or a time in nanoseconds the last digits change as soon as it is read. What
passes through here as JSON keeps them: such a number travels as a text with a mark in front, and is written as the number
that it was. The mark has U+0000 in it, which no stored text has, and is another in each process, so that nobody can send it.
*/

// Not randomUUID: browsers have it in secure contexts only.
const MARK = `\0${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')}:`
/** As JSON has it. */
const MARKED_TEXT = new RegExp(`"${JSON.stringify(MARK).slice(1, -1).replace('\\', '\\\\')}([^"]*)"`, 'g')
const ESCAPED_MARK = JSON.stringify(MARK).slice(1, -1)

/**
 * A number that JavaScript may not have, behind what stands before a value in JSON: it has every number of fewer than 16
 * characters, but for those whose exponent has three digits. Texts are told apart later. It begins with a character and not
 * with a look behind, which would look at every digit of every text: nearly all JSON has no such number.
 */
const LONG_NUMBER =
  /(?:^|[\s:,[])(-?(?:\d[\d.eE+-]{15,}|\d+(?:\.\d+)?[eE][+-]?\d{3}[\d.eE+-]*))(?=$|[\s,}\]])/g

/** What of that is one: the rest is for the parser to refuse. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The text of a JSON document with a marked text for each number that JavaScript would change. */
export function withExactNumbers(json: string): string {
  const parts: string[] = []
  let copied = 0
  let at = 0
  let inText = false
  for (const { 0: found, 1: number = '', index: start } of json.matchAll(LONG_NUMBER)) {
    if (!NUMBER.test(number) || isExact(number)) continue
    const index = start + found.length - number.length
    for (; at < index; at++) {
      const code = json.charCodeAt(at)
      if (inText && code === BACKSLASH) at++
      else if (code === QUOTE) inText = !inText
    }
    if (inText) continue
    met = true
    parts.push(json.slice(copied, index), JSON.stringify(MARK + number))
    copied = index + number.length
  }
  return copied === 0 ? json : parts.join('') + json.slice(copied)
}

/** Whether JavaScript may not have this number, by how it is written. */
export function mayBeInexact(number: string): boolean {
  return number.length > 15 || /e/i.test(number)
}

/** Whether this process has met such a number at all: most never do, and need not look for them. */
export function hasMetExactNumbers(): boolean {
  return met
}
let met = false

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** JSON.parse that keeps all digits. @throws SyntaxError */
export function parseExactly(json: string): unknown {
  return JSON.parse(withExactNumbers(json))
}

/** JSON.stringify that writes them. */
export function stringifyExactly(value: unknown): string {
  return withoutMarks(JSON.stringify(value))
}

/** The same for what somebody else has made a text of. */
export function withoutMarks(json: string): string {
  return met && json?.includes(ESCAPED_MARK) ? json.replace(MARKED_TEXT, '$1') : json
}

/** A number as a program writes it, exact when JavaScript has no such number. */
export function exactNumber(digits: string): number | string {
  if (isExact(digits)) return Number(digits)
  met = true
  return MARK + digits
}

export function isExactNumber(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(MARK)
}

/** The number as somebody wrote it. */
export function writtenNumber(value: string): string {
  return value.slice(MARK.length)
}

/** About how many zeros PostgreSQL writes for its exponent: of `1e131071`, 8 characters, it makes 131,072. */
export function zerosOf(value: number | string): number {
  if (typeof value === 'number') {
    const size = Math.abs(value)
    // As a number they have an exponent in JavaScript too.
    return size >= 1e21 || (size < 1e-6 && size > 0) ? Math.abs(Math.trunc(Math.log10(size))) : 0
  }
  const exponent = /[eE]([+-]?\d+)$/.exec(value)?.[1]
  return exponent === undefined ? 0 : Math.abs(Number(exponent))
}

/** Whether it is a text: not by `typeof` alone, as a number that keeps its digits is a string on its way. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && !isExactNumber(value)
}

/** What is a number, as JavaScript has it; anything else as it is. */
export function asPlainNumber<Value>(value: Value): Value | number {
  return isExactNumber(value) ? Number(value.slice(MARK.length)) : value
}

/** Whether the number is the same after it was read. Trailing zeros, and how it is written, make no difference. */
export function isExact(digits: string): boolean {
  const read = Number(digits)
  const written = String(read)
  // As most programs write it.
  if (written === digits) return true
  return Number.isFinite(read) && sameAs(digits) === sameAs(written)
}

/** One text for all that write one number: `-12.50e3` is `-125e2`. */
function sameAs(digits: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(digits) ?? []
  if (whole === undefined) return digits
  const all = (whole + fraction).replace(/^0+/, '')
  // Not by /0+$/, which begins again at each zero.
  let end = all.length
  while (all[end - 1] === '0') end--
  const significant = all.slice(0, end)
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + all.length - significant.length}`
}
