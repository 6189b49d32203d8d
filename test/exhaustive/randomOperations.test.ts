import fc from 'fast-check'
import { type DocumentNode, parse, validate } from 'graphql'
import { beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { ERROR_CODES } from '../../src/refusal.ts'
import { shapeOf } from '../support/answerShape.ts'
import { useArc } from '../support/arc.ts'
import { namesOf } from '../support/everyQuery.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { GraphQLSocket, type Result } from '../support/graphqlWs.ts'
import { KnownRows } from '../support/knownRows.ts'
import { answersOf } from '../support/learnedRows.ts'
import { operationAlong, type RandomOperation } from '../support/randomOperation.ts'
import { everyRoute } from '../support/schemaRoutes.ts'
import { SEED } from '../support/seed.ts'
import { type SeededTenant, seedTenant } from '../support/tenantRows.ts'

/** Operations in all; the seed of an earlier run repeats what was asked. */
// The nightly run asks for 20,000 others: that takes minutes.
const OPERATIONS = Number(process.env.ARC_TEST_OPERATIONS ?? 2_000)

/** Operations of one tenant: its tables stay small, and some simulations of it run on. */
const PER_TENANT = 500
const AT_A_TIME = 16

/** A subscription that has nothing to tell is given up. */
const FIRST_EVENT_WITHIN_MS = 1_000

/** Longer ones don't fit a URL. */
const LONGEST_URL = 8_000

const ROLES = ['app_user', 'app_user', 'app_user', 'app_readonly', 'app_admin'] as const
const TRANSPORTS = ['POST', 'POST', 'POST', 'GET', 'WebSocket'] as const

// Asked for is everything at once, in pages of 50: more than a server has to grant.
const arc = useArc({ ARC_MAX_COST: '1000000000' })

interface Asked {
  number: number
  operation: RandomOperation
  role: (typeof ROLES)[number]
  transport: (typeof TRANSPORTS)[number] | 'SSE'
}

interface Answered extends Asked {
  status: number
  result: Result | undefined
}

const routes = everyRoute(schema)
const faults = new Map<string, { times: number; example: string }>()
const given = new Set<string>()
const answered = new Set<string>()
const succeeded = new Set<string>()
const codes = new Map<string, number>()
const figures = {
  asked: 0,
  /** Subscriptions that were given up. */
  silent: 0,
  kindly: 0,
  withoutErrors: 0,
  kindlyWithoutErrors: 0,
  withData: 0,
}

describe(`${OPERATIONS} random operations`, () => {
  let internalNames: string[]
  let victim: SeededTenant

  beforeAll(async () => {
    internalNames = await namesInDatabase()
    victim = await seedTenant(arc)
    const victimsAnswers = await answersOf(victim.tenant)
    for (let from = 0; from < OPERATIONS; from += PER_TENANT) {
      const own = await seedTenant(arc)
      const known = new KnownRows()
      for (const answer of await answersOf(own.tenant, known)) known.learn(answer)
      for (const answer of victimsAnswers) known.learnOfStranger(answer)
      await askBlock(own, known, from, Math.min(PER_TENANT, OPERATIONS - from))
    }
    console.log(figures, Object.fromEntries([...codes].sort()))
  }, 600_000)

  async function askBlock(own: SeededTenant, known: KnownRows, from: number, count: number): Promise<void> {
    const tokens = Object.fromEntries(
      await Promise.all(ROLES.map(async (role) => [role, await own.tenant.token(role)] as const)),
    )
    const sockets = Object.fromEntries(
      ROLES.map((role) => [
        role,
        new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${tokens[role]}` }),
      ]),
    )
    let next = from
    const worker = async () => {
      while (next < from + count) {
        const asked = askedAs(next++, known)
        const { operation, role, transport } = asked
        try {
          const { status, result } =
            transport === 'WebSocket'
              ? {
                  status: 200,
                  result: await firstOf(sockets[role]!.results(operation.query, operation.variables)),
                }
              : transport === 'SSE'
                ? {
                    status: 200,
                    result: await firstOf(
                      resultsOverSse(arc.url, tokens[role]!, operation.query, operation.variables),
                    ),
                  }
                : await overHttp(transport, tokens[role]!, operation)
          judge({ ...asked, status, result })
        } catch (error) {
          fault(asked, `no answer: ${error}`)
        }
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
    await Promise.all(Object.values(sockets).map((socket) => socket.close()))
  }

  /** Each route of the schema in turn; all else follows from seed and number. */
  function askedAs(number: number, known: KnownRows): Asked {
    const route = routes[number % routes.length]!
    const arbitrary = fc.record({
      operation: operationAlong(schema, route, known),
      role: fc.constantFrom(...ROLES),
      transport: fc.constantFrom(...TRANSPORTS),
    })
    const [asked] = fc.sample(arbitrary, { seed: SEED + number, numRuns: 1 })
    const { operation, role, transport } = asked!
    const isLive = operation.kind === 'subscription'
    const fitsUrl = operation.query.length + JSON.stringify(operation.variables).length < LONGEST_URL / 3
    return {
      number,
      operation,
      // What is to be seen to work is not asked by those who may not.
      role: operation.kind === 'mutation' && operation.kindly && number % 4 !== 0 ? 'app_user' : role,
      transport: isLive
        ? transport === 'POST'
          ? 'SSE'
          : 'WebSocket'
        : transport === 'GET' && (!fitsUrl || operation.kind === 'mutation')
          ? 'POST'
          : transport,
    }
  }

  function judge(answer: Answered): void {
    const { operation, status, result } = answer
    figures.asked++
    if (![200, 400].includes(status)) fault(answer, `HTTP status ${status}`)
    if (!result) {
      figures.silent++
      return
    }
    if (operation.kindly) figures.kindly++
    const text = JSON.stringify(result)
    if (text.includes(victim.marker) || text.includes(victim.tenant.tenantId))
      fault(answer, 'another tenant’s rows')
    for (const { message, extensions, ...rest } of result.errors ?? []) {
      const { code } = extensions ?? {}
      codes.set(code, (codes.get(code) ?? 0) + 1)
      if (!Object.hasOwn(ERROR_CODES, code ?? '')) fault(answer, `an error without a code of ours: ${code}`)
      if (['INTERNAL_SERVER_ERROR', 'UNAVAILABLE'].includes(code))
        fault(
          answer,
          `${code} at ${(rest as { path?: string[] }).path?.filter((name) => typeof name === 'string')}`,
        )
      judgeWords(answer, message)
      if (/stack|originalError|exception/i.test(Object.keys(extensions ?? {}).join(' ')))
        fault(answer, 'an error with more than clients may see')
    }
    if (!result.errors) {
      figures.withoutErrors++
      if (operation.kindly) figures.kindlyWithoutErrors++
    }
    if (operation.kindly) {
      const refused = result.errors?.find(({ extensions }) =>
        ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED', 'BAD_REQUEST'].includes(extensions?.code),
      )
      if (refused) fault(answer, `a sound operation is refused: ${refused.message}`)
    }
    if (result.data === undefined) return
    for (const coordinate of operation.coordinates) given.add(coordinate)
    if (result.data === null) return
    figures.withData++
    const shape = shapeOf(schema, documentOf(operation), operation.variables, result.data)
    for (const each of shape.faults) fault(answer, `the data: ${each}`)
    for (const reason of shape.reasons) judgeWords(answer, reason)
    for (const coordinate of shape.answered) answered.add(coordinate)
    if (operation.kind === 'mutation') noteSuccess(operation, result.data)
  }

  function noteSuccess({ query }: RandomOperation, data: Record<string, any>): void {
    for (const [alias, payload] of Object.entries(data)) {
      const [, field = alias] = new RegExp(`\\b${alias}: (\\w+)`).exec(query) ?? []
      if (payload?.declined?.length === 0 || payload?.errors?.length === 0) succeeded.add(field)
    }
  }

  /** Messages say what the client has to know, in its own words. */
  function judgeWords(answer: Answered, message: string): void {
    if (
      /prisma|sqlstate|\bpg_|postgres|node_modules|\.(ts|js)\b|\n\s+at |duplicate key|violates|syntax error at or near/i.test(
        message,
      )
    )
      fault(answer, `a message from inside: ${message.slice(0, 200)}`)
    const said = internalNames.filter((name) => message.includes(name))
    if (said.length === 0) return
    const own = answer.operation.query + JSON.stringify(answer.operation.variables)
    const leaked = said.filter((name) => !own.includes(name))
    if (leaked.length > 0) fault(answer, `a message with ${leaked}: ${message.slice(0, 200)}`)
  }

  it('bring no answer that breaks a rule', () => {
    const all = [...faults].map(([what, { times, example }]) => `${times} × ${what}\n${example}`)
    expect(all.join('\n\n')).toBe('')
  })

  it('are for a good part answered with data, and nearly always when nothing is wrong with them', () => {
    expect(figures.asked).toBe(OPERATIONS)
    expect(figures.withoutErrors / (figures.asked - figures.silent)).toBeGreaterThan(0.3)
    expect(figures.kindlyWithoutErrors / figures.kindly).toBeGreaterThan(0.7)
  })

  // Fewer do not come by everything.
  it.skipIf(OPERATIONS < 10_000)(
    'select every field and give every argument and input field of the schema',
    () => {
      const missing = routes
        .map(({ coordinate }) => coordinate)
        .filter((coordinate) => !given.has(coordinate))
      expect(missing).toEqual([])
    },
  )

  it.skipIf(OPERATIONS < 10_000)('carry out every mutation', () => {
    expect(namesOf('Mutation').filter((name) => !succeeded.has(name))).toEqual([])
  })
})

function fault({ number, operation, role, transport }: Asked, what: string): void {
  // One example of each kind: numbers and ids make no other kind.
  const kind = what
    .replace(/\.\d+\b/g, '.n')
    .replace(/[0-9a-f-]{36}/g, 'id')
    .replace(/\d+/g, 'n')
  const seen = faults.get(kind)
  if (seen) seen.times++
  else
    faults.set(kind, {
      times: 1,
      example: `${what}\nARC_TEST_SEED=${SEED}, operation ${number}, ${role}, ${transport}:\n${operation.query.slice(0, 4_000)}\n${JSON.stringify(operation.variables).slice(0, 2_000)}`,
    })
}

function documentOf({ query }: RandomOperation): DocumentNode {
  const document = parse(query)
  const [error] = validate(schema, document)
  if (error) throw new Error(`answered with data in spite of ${error.message}`)
  return document
}

async function overHttp(
  method: 'POST' | 'GET',
  token: string,
  { query, variables }: RandomOperation,
): Promise<{ status: number; result: Result }> {
  if (method === 'POST') {
    const { status, data, errors } = await arc.post({ query, variables }, token)
    return { status, result: withoutUndefined({ data, errors }) }
  }
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) })
  const response = await fetch(`${arc.url}?${search}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, result: (await response.json()) as Result }
}

function withoutUndefined(result: object): Result {
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined))
}

/** The first result; undefined when none comes soon. */
async function firstOf(results: AsyncIterableIterator<Result>): Promise<Result | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), FIRST_EVENT_WITHIN_MS)
  })
  try {
    return (await Promise.race([results.next(), tooLate]))?.value
  } finally {
    clearTimeout(timer)
    void results.return?.()
  }
}

/** Names of tables, columns and constraints that a message could leak. */
function namesInDatabase(): Promise<string[]> {
  return arc.sql('admin', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select relname::text as name from pg_class where relnamespace in ('public'::regnamespace, 'store'::regnamespace)
      union select attname from pg_attribute join pg_class c on c.oid = attrelid
        where relnamespace in ('public'::regnamespace, 'store'::regnamespace) and attnum > 0
      union select conname from pg_constraint`,
    )
    // Other words may as well be English.
    return rows.map(({ name }) => name).filter((name) => name.includes('_'))
  })
}
