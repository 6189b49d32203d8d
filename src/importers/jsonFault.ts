/** Where a text stops being JSON: an offset in it, and what stands there in place of what. */
export interface JsonFault {
  offset: number
  message: string
}

type Expected = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end' | 'nothing'

const MESSAGES: Record<Exclude<Expected, 'comma or end'>, string> = {
  value: 'Expected a value',
  'value or end': 'Expected a value',
  name: 'Expected double-quoted property name',
  'name or end': 'Expected double-quoted property name',
  colon: 'Expected ":" after a property name',
  nothing: 'Unexpected text after the document',
}

const WHITESPACE = /[ \t\n\r]*/y
/** With the names of numbers that Python writes. */
const SCALAR = /(?:true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.+-])/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/**
 * The first fault of a text that is to be JSON, with the numbers that Python writes; null when there is none. Node's own
 * parser says a position for some faults only, and others in other versions.
 */
export function jsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let offset = 0
  const afterValue = (): Expected => (open.length === 0 ? 'nothing' : 'comma or end')
  for (;;) {
    offset = endOf(WHITESPACE, text, offset)!
    if (offset === text.length) {
      return expected === 'nothing' ? null : { offset, message: `The text ends too early${within(open)}` }
    }
    const character = text[offset]!
    const isClosing = character === (open.at(-1) === '{' ? '}' : ']') && open.length > 0
    if (isClosing && expected.endsWith('or end')) {
      open.pop()
      expected = afterValue()
      offset++
    } else if (expected === 'comma or end' || expected === 'colon') {
      if (character !== (expected === 'colon' ? ':' : ','))
        return { offset, message: messageFor(expected, open) }
      expected = expected === 'comma or end' && open.at(-1) === '{' ? 'name' : 'value'
      offset++
    } else if (expected === 'name' || expected === 'name or end') {
      if (character !== '"') return { offset, message: messageFor(expected, open) }
      const end = stringEnd(text, offset)
      if (typeof end !== 'number') return end
      expected = 'colon'
      offset = end
    } else if (expected === 'nothing') {
      return { offset, message: messageFor(expected, open) }
    } else if (character === '{' || character === '[') {
      open.push(character)
      expected = character === '{' ? 'name or end' : 'value or end'
      offset++
    } else {
      const end = character === '"' ? stringEnd(text, offset) : endOf(SCALAR, text, offset)
      if (end === null) return { offset, message: messageFor(expected, open) }
      if (typeof end !== 'number') return end
      expected = afterValue()
      offset = end
    }
  }
}

/** A place in a text as an editor shows it: both counted from 1, the column in characters. */
export interface TextPlace {
  line: number
  column: number
}

export function placeOf(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++
  return { line, column: [...before.slice(lineStart)].length + 1 }
}

function messageFor(expected: Expected, open: ('{' | '[')[]): string {
  if (expected !== 'comma or end') return MESSAGES[expected]
  return open.at(-1) === '{' ? 'Expected "," or "}" after a property' : 'Expected "," or "]" after an item'
}

function within(open: ('{' | '[')[]): string {
  if (open.length === 0) return ''
  return open.at(-1) === '{' ? ', within an object' : ', within a list'
}

/** Behind the string that begins here, or what is wrong in it. */
function stringEnd(text: string, start: number): number | JsonFault {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code < 0x20) return { offset: at, message: 'Unescaped control character in a string' }
    if (code !== 0x5c) continue
    const end = endOf(ESCAPE, text, at)
    if (end === null) return { offset: at, message: 'Bad escape in a string' }
    at = end - 1
  }
  return { offset: text.length, message: 'The text ends too early, within a string' }
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : null
}
