import type pg from 'pg'
import { prepareValue } from 'pg/lib/utils.js'
import { describe, expect, inject, it } from 'vitest'
import { tenantSettings } from '../../src/db/tenantTransaction.ts'
import { encodeCursor, type SortField } from '../../src/reads/keyset.ts'
import type { Tenant } from '../support/arc.ts'
import { ENGINES, on, query } from '../support/emptyDatabase.ts'
import { type History, useHistory } from '../support/history.ts'
import { planShape } from '../support/planShape.ts'
import { recordStatements } from '../support/recordedStatements.ts'
import { viewerOf } from '../support/sqlAs.ts'

/** Plans are those of this version of PostgreSQL, on a server of its own; the full edition of TimescaleDB plans otherwise. */
const PLANNED_VERSION = '17'

const FENCE = '`'.repeat(3)

interface Golden {
  name: string
  query: string
  variables?(history: History): object
}

const BY_TIME: readonly SortField[] = [
  { field: 'executionTime', kind: 'time' },
  { field: 'outcomeId', kind: 'uuid' },
]

const GOLDEN: readonly Golden[] = [
  {
    name: 'page-of-outcomes',
    query: `{
  outcomes(first: 2) {
    nodes { outcomeId scenarioId status reliabilityScore executionTime costUsd metrics }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`,
  },
  {
    name: 'page-before-a-cursor',
    query: `query ($before: String) {
  outcomes(last: 2, before: $before, filter: { status: { in: [ERROR, TIMEOUT] } }) {
    edges { cursor node { status errorCode } }
    pageInfo { hasNextPage hasPreviousPage }
  }
}`,
    variables: ({ executionTime, outcomeId }) => ({
      before: encodeCursor(BY_TIME, { executionTime, outcomeId }),
    }),
  },
  {
    name: 'simulations-with-outcomes',
    query: `{
  simulations(first: 2, orderBy: { field: CREATED_AT, direction: DESC }) {
    nodes {
      simulationName status completedScenarios
      configVersion { versionNumber model configuration { name } }
      outcomes(first: 2) { totalCount nodes { scenarioId status trajectorySteps(first: 1) { totalCount nodes { content } } } }
    }
  }
}`,
  },
  {
    name: 'one-simulation',
    query: `query ($simulationId: UUID!) {
  simulation(simulationId: $simulationId) {
    simulationName status succeededScenarios failedScenarios
    outcomes(first: 2, filter: { status: { eq: ERROR } }) {
      nodes {
        status
        toolUsage(orderBy: { field: TOOL_NAME, direction: ASC }) { nodes { toolName callCount } }
        failurePatterns { nodes { failureType errorMessage } }
      }
    }
    toolAnalytics { nodes { toolName runs calls successRate } }
  }
}`,
    variables: ({ simulationId }) => ({ simulationId }),
  },
  {
    name: 'outcome-by-key',
    query: `query ($outcomeId: UUID!) {
  outcome(outcomeId: $outcomeId) {
    id status trajectory lastWords: trajectoryPath(path: ["messages", "-1"])
    simulation { simulationName } scenario { name } run { attempts }
  }
}`,
    variables: ({ outcomeId }) => ({ outcomeId }),
  },
  {
    name: 'nodes-by-global-id',
    query: `query ($ids: [ID!]!) {
  nodes(ids: $ids) { __typename id ... on Scenario { name } ... on Simulation { simulationName } }
}`,
    variables: ({ simulationId, scenarioId }) => ({
      ids: [`Simulation:${simulationId}`, `Scenario:${scenarioId}`].map((id) =>
        Buffer.from(id).toString('base64'),
      ),
    }),
  },
  {
    name: 'filters-of-related-rows-and-texts',
    query: `query ($versionId: UUID!) {
  outcomes(first: 2, filter: { configVersionId: { eq: $versionId }, errorCode: { contains: "e" } }) {
    nodes { errorCode simulation { simulationName } }
  }
}`,
    variables: ({ versionId }) => ({ versionId }),
  },
  {
    name: 'failure-groups',
    query: `query ($simulationId: UUID!) {
  failureGroups(first: 2, filter: { simulationId: { eq: $simulationId } }) {
    nodes { failureType runs simulations latest { errorMessage } }
  }
}`,
    variables: ({ simulationId }) => ({ simulationId }),
  },
]

describe.each(ENGINES)('on $dump', ({ dump, extension }) => {
  const past = useHistory(extension)

  it.each(GOLDEN)('$name: its statement, plan and answer (vitest -u rewrites them)', async (golden) => {
    const variables = golden.variables?.(past.history) ?? {}
    let data: unknown
    const statements = await recordStatements(async () => {
      data = await past.tenant.data(golden.query, variables)
    })
    const answers = statements.filter(({ text }) => text.startsWith('/* answer */'))
    expect(answers).toHaveLength(1)
    const [{ text, values }] = answers as [(typeof answers)[0]]
    const masked = masker()
    const parts = [
      ['graphql', golden.query],
      ['json', masked(JSON.stringify(variables, null, 2))],
      ['sql', `${text}\n-- ${masked(JSON.stringify(values.map(prepareValue)))}`],
      ['json', masked(JSON.stringify(data, null, 2))],
    ]
    const blocks = parts.map(([language, block]) => `${FENCE}${language}\n${block}\n${FENCE}\n`).join('\n')
    await expect(blocks).toMatchFileSnapshot(`golden/${golden.name}.md`)
    if (!(await isPlanned(past.adminUrl))) return
    const plan = await on(past.serviceUrl, (client) => planOf(client, past.tenant, text, values))
    await expect(`${planShape(plan)}\n`).toMatchFileSnapshot(`golden/${golden.name}.${dump}.plan.txt`)
  })
})

async function isPlanned(adminUrl: string): Promise<boolean> {
  if (inject('serverUrl') === null) return false
  const [row] = await query<{ version: string; licence: string | null }>(
    adminUrl,
    `select current_setting('server_version') as version, current_setting('timescaledb.license', true) as licence`,
  )
  return row!.version.startsWith(PLANNED_VERSION) && row!.licence !== 'timescale'
}

async function planOf(client: pg.Client, tenant: Tenant, text: string, values: unknown[]) {
  await client.query('begin')
  for (const [name, value] of tenantSettings(viewerOf(tenant), 'read only'))
    await client.query('select set_config($1, $2, true)', [name, value])
  // By the index row by row or in the order of the pages: as good as each other for so few rows.
  await client.query('set local enable_bitmapscan = off')
  const { rows } = await client.query(`explain (format json) ${text}`, values)
  await client.query('rollback')
  return rows[0]['QUERY PLAN'][0].Plan
}

/** What is another in each run, numbered as it comes: ids, times, and what has them in Base64. */
function masker(): (text: string) => string {
  const names = new Map<string, string>()
  const nameOf = (kind: string, value: string) => {
    const name = names.get(value) ?? `<${kind} ${names.size + 1}>`
    names.set(value, name)
    return name
  }
  return (text) =>
    text
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => nameOf('id', id))
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, (time) => nameOf('time', time))
      .replace(/"(?:[A-Za-z0-9_-]{4}){8,}[A-Za-z0-9_=+/-]*"/g, (coded) => `"${nameOf('coded', coded)}"`)
}
