import { isExactNumber, writtenNumber } from '../../src/exactNumbers.ts'

type Conditions = Record<string, unknown>

/** What one field of a filter is a condition on. */
export type Narrowed =
  /** One value, or the texts of a row of which one has to fulfil all conditions. */
  { is: 'value'; of: unknown } | { is: 'one of'; of: readonly string[] } | { is: 'tree'; of: unknown }

/**
 * Whether a row fulfils the conditions of one field, by their descriptions in the schema. Undefined where that depends on what
 * PostgreSQL takes for the lower case of a letter.
 */
export function fulfils(narrowed: Narrowed, conditions: unknown): boolean | undefined {
  if (conditions === null) return true
  const { is, of } = narrowed
  if (typeof conditions === 'boolean') return of === conditions
  // A text in any of the row's texts.
  if (typeof conditions === 'string')
    return any((of as (string | null)[]).map((text) => text !== null && contains(text, conditions)))
  if (is === 'tree') return every((conditions as Conditions[]).map((each) => atPath(of, each)))
  if (is === 'one of') return any(of.map((text) => valueFulfils(text, conditions as Conditions)))
  return valueFulfils(of, conditions as Conditions)
}

function valueFulfils(value: unknown, conditions: Conditions): boolean | undefined {
  return every(
    Object.entries(conditions).map(([operator, given]) =>
      given === null ? true : operatorHolds(value, operator, given),
    ),
  )
}

function operatorHolds(value: unknown, operator: string, given: unknown): boolean | undefined {
  if (operator === 'isNull') return (value === null) === given
  if (value === null) return false
  switch (operator) {
    case 'eq':
      return isEqual(value, given)
    case 'in':
      return (given as unknown[]).some((each) => isEqual(value, each))
    case 'contains':
      return contains(value as string, given as string)
    case 'hasSome':
      return (given as string[]).some((tag) => (value as string[]).includes(tag))
    case 'hasEvery':
      return (given as string[]).every((tag) => (value as string[]).includes(tag))
    default:
      return isBeyond(compared(value, given), operator)
  }
}

function atPath(tree: unknown, { path, ...conditions }: Conditions): boolean | undefined {
  const value = (path as string[]).reduce(stepped, tree)
  const given = Object.entries(conditions).filter(([operator, each]) => operator === 'eq' || each !== null)
  const { exists = null } = conditions
  if (exists === false) return value === undefined && given.length === 1
  if (value === undefined) return false
  return every(
    given.map(([operator, each]) => {
      switch (operator) {
        case 'exists':
          return true
        case 'eq':
          return isSameJson(value, each)
        case 'in':
          return (each as unknown[]).some((one) => isSameJson(value, one))
        case 'contains':
          return isJsonText(value) && contains(value, each as string)
        default:
          return isJsonNumber(value) && isBeyond(compared(value, each), operator)
      }
    }),
  )
}

function stepped(at: unknown, step: string): unknown {
  if (Array.isArray(at)) return /^-?\d+$/.test(step) ? at.at(Number(step)) : undefined
  if (typeof at !== 'object' || at === null) return undefined
  return Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined
}

const isJsonText = (value: unknown): value is string => typeof value === 'string' && !isExactNumber(value)
const isJsonNumber = (value: unknown) => typeof value === 'number' || isExactNumber(value)

function isSameJson(one: unknown, other: unknown): boolean {
  if (isJsonNumber(one) || isJsonNumber(other))
    return isJsonNumber(one) && isJsonNumber(other) && compared(one, other) === 0
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const [keys, others] = [Object.keys(one), Object.keys(other)]
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(other, key) && isSameJson((one as any)[key], (other as any)[key]))
  )
}

function isEqual(value: unknown, given: unknown): boolean {
  return isJsonNumber(value) ? compared(value, given) === 0 : value === given
}

function isBeyond(order: number, operator: string): boolean {
  return { gte: order >= 0, gt: order > 0, lte: order <= 0, lt: order < 0 }[operator]!
}

/** Times by their moment, numbers by all their digits. */
function compared(one: unknown, other: unknown): number {
  if (!isJsonNumber(one)) return Math.sign(Date.parse(one as string) - Date.parse(other as string))
  const [a, b] = [scaled(one), scaled(other)]
  return a < b ? -1 : a > b ? 1 : 0
}

const PLACES = 400

/** The number times ten to the power of PLACES. */
function scaled(value: unknown): bigint {
  const text = isExactNumber(value) ? writtenNumber(value) : String(value)
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(
    text,
  )!
  const zeros = PLACES + Number(exponent) - fraction.length
  return BigInt(`${sign}${whole}${fraction}`) * 10n ** BigInt(zeros)
}

/** Letters that have another number of letters, or another one, in lower case by the rules of some languages. */
const CONTENTIOUS = /İ|ı|ß|ẞ|ſ|\u212a|\u0307/i

function contains(text: string, given: string): boolean | undefined {
  if (CONTENTIOUS.test(text + given)) return undefined
  return text.toLowerCase().includes(given.toLowerCase())
}

function every(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

function any(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(true)) return true
  return parts.includes(undefined) ? undefined : false
}
