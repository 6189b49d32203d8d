import { schema } from '../../src/graphql/schema.ts'
import type { Tenant } from './arc.ts'
import { listQuestions, orderQuestions } from './everyQuery.ts'
import type { KnownRows } from './knownRows.ts'

/** What a tenant has: each list, and each in each of its orders, whose cursors `known` learns. */
export async function answersOf(tenant: Tenant, known?: KnownRows): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const { query, variables } of listQuestions()) answers.push(await tenant.data(query, variables))
  for (const { name, query, variables } of orderQuestions()) {
    const [field, order] = name.split(' by ') as [string, string]
    const ordered = await tenant.data(query, variables)
    answers.push(ordered)
    if (!known) continue
    const type = String(schema.getQueryType()!.getFields()[field]!.type).replace('Connection!', '')
    known.learnCursors(type, order, cursorsOf(ordered))
    known.learnCursors(type, '', cursorsOf(await tenant.data(`{ list: ${field} { edges { cursor } } }`)))
  }
  return answers
}

function cursorsOf({ list }: { list: { edges: { cursor: string }[] } }): string[] {
  return list.edges.map(({ cursor }) => cursor)
}
