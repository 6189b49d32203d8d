import {
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isObjectType,
} from 'graphql'
import { schema } from '../../src/graphql/schema.ts'
import type { Tenant } from './arc.ts'
import { SUM_KEYS, WAYS, WHOLE_LIST } from './sums.ts'

/** A field that lists rows: of Query, or of another type. */
export interface Connection {
  /** `Type.field` */
  name: string
  parent: string
  field: string
  /** The type of its rows. */
  node: string
  orders: readonly string[]
}

const isRoot = ({ parent }: Connection) => parent === 'Query'

/** Numbered parts, walked in trajectories.test.ts; what changes did, in impact.test.ts; the one diff that a version has on either side; and the two events of an alert. */
const ELSEWHERE = [
  'Alert.events',
  'Outcome.trajectorySteps',
  'TrajectoryDiff.steps',
  'Simulation.events',
  'ConfigVersion.diffs',
  'ConfigVersion.laterDiffs',
  'ConfigDiff.runs',
  'Query.changeEffects',
  'Query.predictionCalibration',
]

/** Each connection that the schema has. */
export function everyConnection(): Connection[] {
  return (
    Object.values(schema.getTypeMap())
      .filter((type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'))
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
      .filter(({ field }) => getNamedType(field.type).name.endsWith('Connection'))
      // In one order, and of something that is given: similarThings.test.ts.
      .filter(({ field }) => !/^Similar/.test(getNamedType(field.type).name))
      .filter(({ type, field }) => !ELSEWHERE.includes(`${type.name}.${field.name}`))
      .map(({ type, field }) => ({
        name: `${type.name}.${field.name}`,
        parent: type.name,
        field: field.name,
        node: getNamedType(field.type).name.replace(/Connection$/, ''),
        orders: ordersOf(field),
      }))
  )
}

function ordersOf(field: GraphQLField<unknown, unknown>): string[] {
  const orderBy = getNamedType(field.args.find(({ name }) => name === 'orderBy')!.type)
  const orderField = getNamedType((orderBy as GraphQLInputObjectType).getFields().field!.type)
  return isEnumType(orderField) ? orderField.getValues().map(({ name }) => name) : []
}

/** The field of Query that lists all rows of the type. */
function rootListOf(node: string): Connection {
  const list = everyConnection().find(
    (connection) =>
      isRoot(connection) && connection.node === node && connection.field !== 'activeSimulations',
  )
  if (!list) throw new Error(`no field of Query lists ${node}`)
  return list
}

/** The global id of the parent that has most rows in the connection; undefined where Query leads to just one. */
export async function parentWithMostRows(
  tenant: Tenant,
  connection: Connection,
): Promise<string | undefined> {
  if (isRoot(connection) || WAYS[connection.parent]) return undefined
  const { field } = rootListOf(connection.parent)
  const data = await tenant.data(
    `{ parents: ${field}(first: 100) { nodes { id rows: ${connection.field}(first: 1) { totalCount } } } }`,
  )
  const parents: { id: string; rows: { totalCount: number } }[] = data.parents.nodes
  return parents.reduce((most, each) => (each.rows.totalCount > most.rows.totalCount ? each : most)).id
}

/** What leads to fields of Query, or of a type that it leads to. */
export async function wayTo(tenant: Tenant, type: string): Promise<(fields: string, as?: string) => string> {
  const way = await WAYS[type]?.(tenant)
  if (!way) return (fields) => fields
  const [field, rows] = way
  return (fields, as = 'parent') => `${as}: ${field} { ${rows ? `rows: ${rows} { ${fields} }` : fields} }`
}

/** What was asked of the parent that `wayTo` leads to, or of the first of them. */
export function ofParent(data: Record<string, any>, as = 'parent'): Record<string, any> {
  const parent = data[as]
  return parent ? [parent.rows ?? parent].flat()[0]! : data
}

/** A page of the connection below that parent. */
export async function pageOf(
  tenant: Tenant,
  { field, node, parent }: Connection,
  parentId: string | undefined,
  args: object,
): Promise<Page> {
  const key = SUM_KEYS[node] ?? 'id'
  const page = `page: ${field}(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount
    edges { cursor node { ${key} } }
    nodes { ${key} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }`
  const way = await wayTo(tenant, parent)
  const data = await tenant.data(
    `query (${parentId ? '$parentId: ID!, ' : ''}$first: Int, $after: String, $last: Int, $before: String, $filter: ${node}Filter, $orderBy: ${node}Order) {
      ${parentId ? `node(id: $parentId) { ... on ${parent} { ${page} } }` : way(page)}
    }`,
    { parentId, filter: WHOLE_LIST[field], ...args },
  )
  return parentId ? data.node.page : ofParent(data).page
}

export interface Page {
  totalCount: number
  edges: { cursor: string; node: object }[]
  nodes: object[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
}

/** What tells the rows apart. */
export const idsOf = ({ nodes }: Page): string[] => nodes.map((node) => Object.values(node).join(' '))
