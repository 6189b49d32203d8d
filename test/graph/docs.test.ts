import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { getOperationAST, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { insertAlerts } from '../support/alertRows.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { measuredUp, summedUp } from '../support/tenantRows.ts'

const arc = useArc()

const root = new URL('../../', import.meta.url)
const GUIDES = readdirSync(new URL('docs/guides/', root))
  .filter((name) => name !== 'README.md')
  .map((name) => `docs/guides/${name}`)

interface Block {
  language: string
  text: string
  line: number
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(new URL(file, root), 'utf8')
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((found) => ({
    language: found[1]!,
    text: found[2]!,
    line: text.slice(0, found.index).split('\n').length,
  }))
}

/** What the guides tell of: two runs of a small support agent. Gives the values of their variables, by name. */
async function tellStory(tenant: Tenant): Promise<Record<string, unknown>> {
  const yaml = (temperature: number, rules: string[]) =>
    `model: gpt-4.1\ntemperature: ${temperature}\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`
  const { configId, versionId: before } = await tenant.configVersion(
    'support agent',
    yaml(0.7, ['Be brief.']),
  )
  const { createConfigVersion } = await tenant.data(
    `mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { version { versionId } } }`,
    { input: { configId, yaml: yaml(0.2, ['Be brief.', 'Ask before you pay money back.']) } },
  )
  const after = createConfigVersion.version.versionId
  await tenant.data(
    `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: {scenarios: $scenarios}) { errors { code } } }`,
    {
      scenarios: ['refund', 'cancel', 'rebook'].map((scenarioId) => ({
        scenarioId,
        taskPrompt: `Please ${scenarioId}.`,
        tags: ['airline'],
      })),
    },
  )
  const simulationId = randomUUID()
  const otherSimulationId = randomUUID()
  const mistakenSimulationId = randomUUID()
  const outcomeId = randomUUID()
  const otherOutcomeId = randomUUID()
  for (const [id, configVersionId, name] of [
    [simulationId, before, 'baseline'],
    [otherSimulationId, after, 'careful'],
  ]) {
    await tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { errors { code } } }`,
      {
        input: {
          simulationId: id,
          configVersionId,
          name,
          scenarioIds: ['refund', 'cancel', 'rebook'],
        },
      },
    )
  }
  const outcome = (id: string, minute: number, scenarioId: string, status: string, more: object) => ({
    simulationId: id,
    scenarioId,
    status,
    executionTime: `2026-02-01T12:${String(minute).padStart(2, '0')}:00Z`,
    ...more,
  })
  const refund = (order: number, answer: string) => [
    { role: 'user', content: 'Cancel my order.' },
    { role: 'assistant', tool_calls: [{ id: '1', name: 'refund', arguments: { order } }] },
    { role: 'tool', tool_call_id: '1', content: answer },
  ]
  const tool = (successRate: number, avgDurationMs: number, errorTypes: string[] = []) => [
    { toolName: 'refund', callCount: 1, successRate, avgDurationMs, errorTypes },
  ]
  const { storedCount } = await tenant.record([
    outcome(simulationId, 1, 'refund', 'SUCCESS', {
      reliabilityScore: 1,
      costUsd: 0.01,
      executionTimeMs: 3_000,
      toolUsage: tool(1, 100),
    }),
    outcome(simulationId, 2, 'cancel', 'ERROR', {
      outcomeId,
      reliabilityScore: 0,
      costUsd: 0.02,
      executionTimeMs: 4_000,
      error: 'ToolError: refund refused, order 1234 is too old',
      trajectory: { messages: refund(1234, 'Error: order 1234 is too old') },
      toolUsage: tool(0, 800, ['Error: order <n> is too old']),
    }),
    outcome(simulationId, 3, 'rebook', 'TIMEOUT', {
      executionTimeMs: 30_000,
      error: 'TimeoutError: no answer from the booking service in 30 s',
    }),
    outcome(otherSimulationId, 4, 'refund', 'SUCCESS', { reliabilityScore: 1, costUsd: 0.02 }),
    outcome(otherSimulationId, 5, 'cancel', 'SUCCESS', {
      outcomeId: otherOutcomeId,
      reliabilityScore: 0.8,
      costUsd: 0.02,
      trajectory: {
        messages: [
          { role: 'user', content: 'Cancel my order.' },
          { role: 'assistant', content: 'Do you want your money back?' },
          { role: 'assistant', tool_calls: [{ id: '1', name: 'cancel', arguments: { order: 1234 } }] },
          { role: 'tool', tool_call_id: '1', content: 'Cancelled.' },
        ],
      },
      toolUsage: [],
    }),
    outcome(otherSimulationId, 6, 'rebook', 'ERROR', {
      reliabilityScore: 0,
      costUsd: 0.02,
      error: 'ToolError: refund refused, order 99 is too old',
    }),
  ])
  expect(storedCount).toBe(6)
  await summedUp(arc, tenant)
  const { first, rest } = await tenant.data(
    `mutation ($first: UUID!, $rest: UUID!, $recommendation: CreateRecommendationInput!) {
      first: completeSimulation(input: {simulationId: $first}) { errors { code } }
      rest: completeSimulation(input: {simulationId: $rest}) { errors { code } }
      createRecommendation(input: $recommendation) { errors { code } }
    }`,
    {
      first: simulationId,
      rest: otherSimulationId,
      recommendation: {
        sourceType: 'SIMULATION',
        sourceId: simulationId,
        recommendationType: 'CONFIG_CHANGE',
        description: 'Ask before money is paid back.',
        confidence: 0.6,
      },
    },
  )
  expect([first, rest]).toEqual([{ errors: [] }, { errors: [] }])
  await measuredUp(arc, tenant)
  const { configDiffs, failurePatterns, recommendations, createApiKey } = {
    ...(await tenant.data(
      '{ configDiffs { nodes { diffId } } failurePatterns { nodes { signature } } recommendations { nodes { recommendationId } } }',
    )),
    ...(await tenant.data(
      'mutation { createApiKey(input: {name: "CI", scope: READ}) { apiKey { keyId } } }',
    )),
  }
  const { createAlertRule } = await tenant.data(
    // A name that leads nowhere, wherever it is looked up.
    'mutation { createAlertRule(input: {name: "x", kind: ERROR_RATE, threshold: 0.2, webhookUrl: "https://hooks.invalid/arc"}) { rule { ruleId } } }',
  )
  await arc.sql('admin', (client) => insertAlerts(client, { tenantId: tenant.tenantId, count: 6 }))
  const mistaken = await tenant.data(
    `mutation ($start: StartSimulationInput!, $delete: DeleteSimulationInput!) {
      startSimulation(input: $start) { errors { code } }
      deleteSimulation(input: $delete) { deletion { deletionId } }
    }`,
    {
      start: {
        simulationId: mistakenSimulationId,
        configVersionId: after,
        name: 'started by mistake',
        scenarioIds: ['refund'],
      },
      delete: { simulationId: mistakenSimulationId },
    },
  )
  return {
    configId,
    before,
    after,
    versionId: before,
    simulationId,
    otherSimulationId,
    newSimulationId: randomUUID(),
    outcomeId,
    otherOutcomeId,
    diffId: configDiffs.nodes[0].diffId,
    signature: failurePatterns.nodes[0].signature,
    // Of a failure without a vector.
    groupId: failurePatterns.nodes[0].signature,
    recommendationId: recommendations.nodes[0].recommendationId,
    keyId: createApiKey.apiKey.keyId,
    ruleId: createAlertRule.rule.ruleId,
    deletionId: mistaken.deleteSimulation.deletion.deletionId,
    cursor: null,
  }
}

/** The answer as the guide shows it; … stands for any text. */
function shownAnswer(text: string): unknown {
  return JSON.parse(text, (_, value) => (value === '…' ? expect.any(String) : value))
}

async function run(tenant: Tenant, query: string, story: Record<string, unknown>): Promise<any> {
  const operation = getOperationAST(parse(query))!
  const variables = Object.fromEntries(
    (operation.variableDefinitions ?? []).map(({ variable }) => {
      const { value: name } = variable.name
      if (!(name in story)) throw new Error(`the story has no ${name}`)
      return [name, story[name]]
    }),
  )
  if (operation.operation === 'subscription') {
    const results = resultsOverSse(arc.url, await tenant.token(), query, variables)
    const { value } = await results.next()
    await results.return?.()
    return value
  }
  const answer = await tenant.ask(query, variables)
  // What a guide shows goes well, unless it shows the error.
  return { data: answer.data, errors: answer.errors }
}

/** As a login that is bound to the tenant reads, on PGlite too, where there are no logins; what Grafana puts in is put in. */
async function runSql(tenant: Tenant, text: string): Promise<unknown> {
  return arc.sql('admin', async (client) => {
    await client.query('begin')
    await client.query(
      'insert into store.sql_logins (login, user_id, statement_seconds) values (session_user, $1, 60)',
      [tenant.tenantId],
    )
    await client.query(
      `set local role app_analyst; set local search_path = analytics, public; set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'`,
    )
    const { rows } = await client.query(
      text.replace(/\$__timeFilter\((\w+)\)/, `$1 between '2026-02-01' and '2026-03-01'`),
    )
    await client.query('rollback')
    return JSON.parse(JSON.stringify(rows))
  })
}

describe.each([...GUIDES, 'README.md'])('%s', (file) => {
  it('has operations that go well, and answers as they come', async () => {
    const tenant = arc.tenant()
    const story = await tellStory(tenant)
    let data: any
    const blocks = blocksOf(file)
    expect(blocks.length).toBeGreaterThan(1)
    for (const [index, { language, text, line }] of blocks.entries()) {
      const place = `${file}:${line}`
      const answerShown = blocks[index + 1]?.language === 'json'
      if (language === 'graphql') {
        const answer = await run(tenant, text, story)
        expect(answer.errors, place).toBeUndefined()
        data = answer.data
        if (!answerShown) {
          for (const payload of Object.values<any>(data)) {
            if (Array.isArray(payload?.errors)) expect(payload.errors, place).toEqual([])
          }
        }
      } else if (language === 'sql') {
        data = await runSql(tenant, text)
      } else if (language === 'json') {
        expect(data, place).toEqual(shownAnswer(text))
      } else if (language === 'sh' && file !== 'README.md') {
        const { stdout } = await promisify(execFile)('sh', ['-euc', text], {
          env: {
            ...process.env,
            ARC_URL: arc.url,
            ARC_TOKEN: await tenant.token(),
            ARC_ADMIN_TOKEN: await arc.tenant().token('app_admin'),
            TENANT_ID: tenant.tenantId,
          },
        })
        const answer = JSON.parse(stdout)
        expect(answer.errors, place).toBeUndefined()
        expect(answer.data.viewer.tenantId, place).toBe(tenant.tenantId)
      }
    }
  })
})

it('every guide is named in their list', () => {
  const list = readFileSync(new URL('docs/guides/README.md', root), 'utf8')
  for (const file of GUIDES) expect(list).toContain(`(${file.split('/').at(-1)})`)
})

it('links of the docs lead somewhere', () => {
  const files = [
    'README.md',
    ...GUIDES,
    'docs/guides/README.md',
    ...readdirSync(new URL('docs/', root))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]
  const broken = files.flatMap((file) => {
    const text = readFileSync(new URL(file, root), 'utf8')
    return [...text.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].flatMap(([, link]) => {
      const [path, anchor] = link!.split('#') as [string, string?]
      const target = new URL(path === '' ? file : path, path === '' ? root : new URL(file, root))
      if (!existsSync(target)) return [`${file}: ${link}`]
      if (anchor === undefined) return []
      const anchors = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      )
      return anchors.includes(anchor) ? [] : [`${file}: ${link}`]
    })
  })
  expect(broken).toEqual([])
})
