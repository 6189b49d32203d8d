import { type InputPath, Refusal } from '../../refusal.ts'

type Bounds = { [bound in 'gte' | 'gt' | 'lte' | 'lt']?: Date | number | null }

/** What conditions hold JSON of the caller's own: in it these words mean nothing. */
const VALUES = new Set(['eq', 'in'])

/**
 * Looks for a range that ends before it begins: nobody means to ask for it.
 *
 * @throws Refusal BAD_USER_INPUT, with the path of the range.
 */
export function checkRanges(filter: object, at: InputPath = ['filter']): void {
  const { gte, gt, lte, lt } = filter as Bounds
  const begins = present([gte, gt]).sort(ascending).at(-1)
  const ends = present([lte, lt]).sort(ascending)[0]
  if (begins !== undefined && ends !== undefined && begins > ends) {
    const range = `${written(begins)} to ${written(ends)}`
    throw new Refusal('BAD_USER_INPUT', `${at.join('.')} ends before it begins: ${range}.`, at)
  }
  for (const [name, part] of Object.entries(filter))
    if (typeof part === 'object' && part !== null && !(part instanceof Date) && !VALUES.has(name))
      checkRanges(part, [...at, Array.isArray(filter) ? Number(name) : name])
}

const present = (bounds: (Date | number | null | undefined)[]) =>
  bounds.filter((bound) => bound !== null && bound !== undefined)

const ascending = (one: Date | number, other: Date | number) => Number(one) - Number(other)

function written(bound: Date | number): string {
  return bound instanceof Date ? bound.toISOString() : String(bound)
}
