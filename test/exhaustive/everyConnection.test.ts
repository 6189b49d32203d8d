import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import {
  type Connection,
  everyConnection,
  idsOf,
  pageOf,
  parentWithMostRows,
} from '../support/everyConnection.ts'
import { ManyRows } from '../support/manyRows.ts'
import { WAYS } from '../support/sums.ts'

const arc = useArc({ ARC_MAX_COST: '1000000000' })
const connections = everyConnection()

/** A way through the rows; `betweenPages` may bring new ones. */
interface Walk {
  size: number
  fromEnd: boolean
  orderBy: { field: string; direction: string }
}

const walks = (connection: Connection, rows: number): fc.Arbitrary<Walk> =>
  fc.record({
    size: fc.integer({ min: 1, max: rows + 1 }),
    fromEnd: fc.boolean(),
    orderBy: fc.record({
      field: fc.constantFrom(...connection.orders),
      direction: fc.constantFrom('ASC', 'DESC'),
    }),
  })

async function walk(
  rows: ManyRows,
  connection: Connection,
  parentId: string | undefined,
  { size, fromEnd, orderBy }: Walk,
  betweenPages: () => Promise<unknown> = async () => {},
): Promise<{ seen: string[]; totals: number[] }> {
  const seen: string[] = []
  const totals: number[] = []
  let cursor: string | null = null
  for (let more = true; more; ) {
    const page = await pageOf(
      rows.tenant,
      connection,
      parentId,
      fromEnd ? { last: size, before: cursor, orderBy } : { first: size, after: cursor, orderBy },
    )
    const { pageInfo, edges } = page
    expect(edges.map(({ node }) => node)).toEqual(page.nodes)
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([
      edges[0]?.cursor ?? null,
      edges.at(-1)?.cursor ?? null,
    ])
    // Behind one is where the walk came from.
    expect(fromEnd ? pageInfo.hasNextPage : pageInfo.hasPreviousPage).toBe(cursor !== null)
    more = fromEnd ? pageInfo.hasPreviousPage : pageInfo.hasNextPage
    expect(edges).toHaveLength(more ? size : edges.length)
    if (fromEnd) seen.unshift(...idsOf(page))
    else seen.push(...idsOf(page))
    totals.push(page.totalCount)
    cursor = fromEnd ? pageInfo.startCursor : pageInfo.endCursor
    if (more) await betweenPages()
  }
  return { seen, totals }
}

describe('every connection of the schema', () => {
  let rows: ManyRows
  beforeAll(async () => {
    rows = new ManyRows(arc)
    await rows.fill()
  })

  it.each(connections)(
    '$name is walked at any page size, in any order, both ways: each row once',
    async (connection) => {
      const parentId = await parentWithMostRows(rows.tenant, connection)
      for (const field of connection.orders) {
        for (const direction of ['ASC', 'DESC']) {
          const orderBy = { field, direction }
          const whole = await pageOf(rows.tenant, connection, parentId, { first: 500, orderBy })
          const all = idsOf(whole)
          // Give ManyRows rows of a new type: one or two make no pages.
          expect(all.length).toBeGreaterThan(2)
          expect(new Set(all).size).toBe(all.length)
          expect(whole.totalCount).toBe(all.length)
          await fc.assert(
            fc.asyncProperty(walks({ ...connection, orders: [field] }, all.length), async (way) => {
              const { seen, totals } = await walk(rows, connection, parentId, { ...way, orderBy })
              expect(seen).toEqual(all)
              expect(new Set(totals)).toEqual(new Set([all.length]))
            }),
            { numRuns: 2 },
          )
        }
      }
    },
    120_000,
  )
})

// What arrives in one list arrives in the others of its type.
// Sums of a whole are others as soon as something arrives.
const growing = connections.filter(({ parent }) => !WAYS[parent])
describe.each([...new Set(growing.map(({ node }) => node))])('while rows arrive, of type %s,', (node) => {
  let rows: ManyRows
  beforeAll(async () => {
    rows = new ManyRows(arc)
    await rows.fill()
  })

  it.each(growing.filter((connection) => connection.node === node))(
    '$name shows each row that was there just once',
    async (connection) => {
      const parentId = await parentWithMostRows(rows.tenant, connection)
      await fc.assert(
        fc.asyncProperty(walks(connection, 11), async (way) => {
          const before = await pageOf(rows.tenant, connection, parentId, { first: 500, orderBy: way.orderBy })
          const there = new Set(idsOf(before))
          let hasArrived = false
          // On one page nothing arrives between pages.
          const size = Math.min(way.size, Math.floor(there.size / 2))
          const { seen } = await walk(rows, connection, parentId, { ...way, size }, async () => {
            if (!hasArrived) await rows.arrive(connection.node)
            hasArrived = true
          })
          expect(hasArrived).toBe(true)
          expect(new Set(seen).size).toBe(seen.length)
          expect(seen.filter((id) => there.has(id))).toEqual(idsOf(before))
        }),
        { numRuns: 2 },
      )
    },
    120_000,
  )
})

describe('fields of one name', () => {
  it('stand at one place for several types, each with its own rows and arguments', async () => {
    const rows = new ManyRows(arc)
    await rows.fill()
    // Each type of Node, with all connections that other types have under the same name.
    const lists = connections.filter(({ parent }) => parent !== 'Query' && !WAYS[parent])
    const shared = lists.filter((each) =>
      lists.some(({ field, parent }) => field === each.field && parent !== each.parent),
    )
    const types = [...new Set(shared.map(({ parent }) => parent))]
    expect(types.length).toBeGreaterThan(2)
    const selection = (type: string) =>
      `... on ${type} { ${shared
        .filter(({ parent }) => parent === type)
        .map(({ field }) => `${field}(first: ${1 + types.indexOf(type)}) { totalCount edges { cursor } }`)
        .join(' ')} }`
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ${types.map(selection).join(' ')} } }`
    const ids: string[] = []
    for (const type of types) {
      const { field } = connections.find(({ parent, node }) => parent === 'Query' && node === type)!
      const data = await rows.tenant.data(`{ list: ${field}(first: 100) { nodes { id } } }`)
      ids.push(...data.list.nodes.map(({ id }: { id: string }) => id))
    }
    const alone: unknown[] = []
    for (const id of ids) alone.push((await rows.tenant.data(query, { ids: [id] })).nodes[0])
    for (const order of [ids, [...ids].reverse()]) {
      const { nodes } = await rows.tenant.data(query, { ids: order })
      expect(nodes).toEqual(order.map((id) => alone[ids.indexOf(id)]))
    }
  }, 60_000)
})
