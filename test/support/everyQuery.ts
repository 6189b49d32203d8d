import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { schema } from '../../src/graphql/schema.ts'
import { WHOLE_LIST } from './sums.ts'

/** Fields of Query that show no tenant's rows. */
export const TENANTLESS_FIELDS: readonly string[] = ['health', 'metrics', 'viewer']

/** What is like something that is given: graph/similarThings.test.ts asks them, as another tenant too. */
export const SIMILAR_FIELDS: readonly string[] = [
  'similarConfigVersions',
  'similarFailures',
  'similarScenarios',
  'similarTrajectories',
]

export interface Question {
  /** The field of Query, with what is special about this way of asking it. */
  name: string
  query: string
  variables: Record<string, unknown>
}

/** What one tenant has, by the names that fields and arguments give it: `simulationId` → one of its simulations. */
export type KnownValues = Map<string, unknown>

const queryFields = Object.values(schema.getQueryType()!.getFields()).filter(
  ({ name }) => !SIMILAR_FIELDS.includes(name),
)
const isConnection = (type: GraphQLOutputType) => getNamedType(type).name.endsWith('Connection')

const filterTypeOf = (field: GraphQLField<unknown, unknown>) =>
  getNamedType(field.args.find(({ name }) => name === 'filter')!.type) as GraphQLInputObjectType

/** Each list of the tenant's rows, whole: where all other values come from. */
export function listQuestions(): Question[] {
  return queryFields
    .filter(({ type }) => isConnection(type))
    .map((field) => ({
      name: field.name,
      query: `query ($filter: ${filterTypeOf(field).name}) { ${field.name}(first: 50, filter: $filter) ${selectionOf(field.type, 2)} }`,
      variables: { filter: WHOLE_LIST[field.name] },
    }))
}

/** Remembers every leaf of an answer under its name; the first that is there counts. */
export function collectValues(answer: unknown, known: KnownValues): void {
  if (Array.isArray(answer)) for (const item of answer) collectValues(item, known)
  else if (answer !== null && typeof answer === 'object') {
    for (const [name, value] of Object.entries(answer)) {
      const isLeaf = value === null || typeof value !== 'object' || Array.isArray(value)
      const isEmpty = value === null || (Array.isArray(value) && value.length === 0)
      if (isLeaf && !isEmpty && !known.has(name)) known.set(name, value)
      collectValues(value, known)
    }
  }
}

/** What rows of one list say of themselves: by name, the first value that is there. */
export function leavesOf(rows: readonly object[]): KnownValues {
  const known: KnownValues = new Map()
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (value !== null && !known.has(name)) known.set(name, value)
    }
  }
  return known
}

/**
 * Each field that takes arguments of its own, with values that the tenant has.
 *
 * @throws when nothing is known under an argument's name: then `known` has to be told.
 */
export function keyQuestions(known: KnownValues): Question[] {
  return queryFields
    .filter(({ name, type }) => !isConnection(type) && !TENANTLESS_FIELDS.includes(name))
    .map((field) => {
      const valueFor = (arg: GraphQLArgument) => {
        const place = `${field.name}(${arg.name})`
        return known.has(place) || !isLeafType(getNamedType(arg.type))
          ? known.get(place)
          : known.get(arg.name)
      }
      const given = field.args.filter((arg) => isRequiredArgument(arg) || valueFor(arg) !== undefined)
      return {
        name: field.name,
        query: `query ${inParentheses(given.map((arg) => `$${arg.name}: ${arg.type}`))} {
          ${field.name}${inParentheses(given.map(({ name }) => `${name}: $${name}`))} ${selectionOf(field.type, 2)}
        }`,
        variables: Object.fromEntries(
          given.map((arg) => {
            const value = valueFor(arg)
            if (value === undefined)
              throw new Error(`tell the tenancy test a value for ${field.name}(${arg.name})`)
            return [arg.name, value]
          }),
        ),
      }
    })
}

/** Each condition of each filter, with a value that fits one of the tenant's rows. */
export function filterQuestions(
  known: KnownValues,
  knownOfList: ReadonlyMap<string, KnownValues>,
): Question[] {
  return queryFields.flatMap((field) => {
    // Those that are active have not ended: not every condition on a simulation finds one of them.
    if (!isConnection(field.type) || field.name === 'activeSimulations') return []
    const type = filterTypeOf(field)
    return Object.values(type.getFields()).flatMap((condition) => {
      const place = `${type.name}.${condition.name}`
      const value =
        known.get(place) ??
        knownOfList.get(field.name)?.get(condition.name) ??
        knownValue(known, condition.name, place)
      return conditionsOf(getNamedType(condition.type), value).map((conditions) => ({
        name: `${field.name} by ${JSON.stringify({ [condition.name]: conditions })}`,
        query: `query ($filter: ${type.name}) { ${field.name}(first: 50, filter: $filter) ${selectionOf(field.type, 1)} }`,
        variables: { filter: { ...WHOLE_LIST[field.name], [condition.name]: conditions } },
      }))
    })
  })
}

/** Each list in each of its orders, with its cursors; `around` puts after and before into it. */
export function orderQuestions(): Question[] {
  return queryFields.flatMap((field) => {
    const orderBy = field.args.find(({ name }) => name === 'orderBy')
    if (!orderBy) return []
    const type = getNamedType(orderBy.type) as GraphQLInputObjectType
    const filterType = filterTypeOf(field).name
    const fieldType = getNamedType(type.getFields().field!.type)
    if (!isEnumType(fieldType)) throw new Error(`${type.name}.field is no enum`)
    return fieldType.getValues().map(({ name }) => ({
      name: `${field.name} by ${name}`,
      query: `query ($after: String, $before: String, $filter: ${filterType}) {
        list: ${field.name}(first: 50, after: $after, before: $before, filter: $filter, orderBy: {field: ${name}}) {
          totalCount edges { cursor node { __typename } }
        }
      }`,
      variables: { filter: WHOLE_LIST[field.name] },
    }))
  })
}

/** The names of all fields of a root type; of those that implement Node for `Node`. */
export function namesOf(root: 'Query' | 'Mutation' | 'Subscription' | 'Node'): string[] {
  const type = schema.getType(root)!
  if (isObjectType(type)) return Object.keys(type.getFields())
  return isAbstractType(type) ? schema.getPossibleTypes(type).map(({ name }) => name) : []
}

/** Parentheses are not written around nothing. */
const inParentheses = (parts: string[]) => (parts.length > 0 ? `(${parts})` : '')

function knownValue(known: KnownValues, name: string, place: string): unknown {
  if (!known.has(name)) throw new Error(`tell the tenancy test a value for ${place}`)
  return known.get(name)
}

/** One set of conditions for each operator that can be given a value to find. */
function conditionsOf(type: unknown, value: unknown): unknown[] {
  // Conditions that name a place in a tree are told as a whole.
  if (!isInputObjectType(type) || type.getFields().path) return [value]
  const operators = new Set(Object.keys(type.getFields()))
  const list = Array.isArray(value) ? value : [value]
  return [
    ...(operators.has('eq') ? [{ eq: list[0] }] : []),
    ...(operators.has('in') ? [{ in: list }] : []),
    ...(operators.has('contains') ? [{ contains: list[0] }] : []),
    ...(operators.has('gte') ? [{ gte: list[0], lte: list[0] }] : []),
    ...(operators.has('isNull') ? [{ isNull: false }] : []),
    ...(operators.has('hasSome') ? [{ hasSome: list }, { hasEvery: list }] : []),
  ]
}

/** All leaves of a type, and its objects as deep as told. Cursors are left out: they differ for equal rows' texts. */
function selectionOf(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  const possible = isAbstractType(named) ? schema.getPossibleTypes(named) : []
  const own = isObjectType(named) ? fieldsOf(Object.values(named.getFields()), depth) : []
  // Equal names of two types would have to be of equal types.
  const ofTypes = possible.map(
    (each) =>
      `... on ${each.name} { ${fieldsOf(Object.values(each.getFields()), depth).map((field) => `${each.name}_${field.split(/\W/, 1)}: ${field}`)} }`,
  )
  return `{ __typename ${[...own, ...ofTypes].join(' ')} }`
}

function fieldsOf(fields: readonly GraphQLField<unknown, unknown>[], depth: number): string[] {
  return fields.flatMap((field) => {
    if (/cursor|^edges$|^pageInfo$|^runtimeMs$|^asOf$/i.test(field.name)) return []
    if (field.name === 'trajectoryPath') return ['trajectoryPath(path: ["secret"])']
    if (field.name === 'since' && field.args.length > 0)
      return ['since(versionId: "00000000-0000-7000-8000-000000000001")']
    const required = field.args.find(isRequiredArgument)
    if (required)
      throw new Error(`teach the tenancy test to ask for ${field.name}, which needs ${required.name}`)
    if (isLeafType(getNamedType(field.type))) return [field.name]
    // The rows of a page are no level of their own.
    if (field.name === 'nodes') return [`nodes ${selectionOf(field.type, depth)}`]
    if (depth === 0) return []
    const page = isConnection(field.type) ? '(first: 50)' : ''
    return [`${field.name}${page} ${selectionOf(field.type, depth - 1)}`]
  })
}
