import type pg from 'pg'
import { expect } from 'vitest'
import { writeAs } from '../../src/db/tenantTransaction.ts'
import { generateUnasked } from '../../src/evaluation/recommendations/generation.ts'
import { recommend } from '../../src/jobs/recommend.ts'
import { arcFor } from '../../src/viewer.ts'
import type { Tenant } from './arc.ts'
import { query } from './emptyDatabase.ts'
import { server } from './jobs.ts'
import { useOwnDatabase } from './ownDatabase.ts'

/** What a run brings, besides whose it is: one attempt, or several. */
export type Brings = (at: { scenario: number; repetition: number }) => object | object[]

const GENERATE = `mutation ($input: GenerateRecommendationsInput!) { generateRecommendations(input: $input) {
  results { rule status reason recommendation {
    recommendationId state rule subject sourceId recommendationType description suggestedYamlChanges impactEstimate confidence
    configId configVersionId facts suggestedChanges { path op before after } restoresVersion { versionNumber } wordedBy
    evidence { nodes { place kind summary simulationId outcomeId scenarioId configVersionId signature toolName outcome { scenarioId } } }
  } }
  errors { code message path }
} }`

/** An agent of a tenant with its versions and simulations. */
export class EvaluatedAgent {
  readonly tenant: Tenant
  configId: string | undefined
  readonly versionIds: string[] = []

  constructor(tenant: Tenant) {
    this.tenant = tenant
  }

  /** Its next version. */
  async version(yaml: string, name = 'agent'): Promise<string> {
    if (this.configId === undefined) {
      const { configId, versionId } = await this.tenant.configVersion(name, yaml)
      this.configId = configId
      this.versionIds.push(versionId)
      return versionId
    }
    const { createConfigVersion } = await this.tenant.data(
      `mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { version { versionId } errors { message } } }`,
      { input: { configId: this.configId, yaml } },
    )
    expect(createConfigVersion.errors).toEqual([])
    this.versionIds.push(createConfigVersion.version.versionId)
    return createConfigVersion.version.versionId
  }

  async scenarios(count: number, of: (n: number) => object = () => ({})): Promise<string[]> {
    const scenarios = Array.from({ length: count }, (_, n) => ({
      scenarioId: `s_${String(n).padStart(3, '0')}`,
      taskPrompt: `Do ${n}.`,
      ...of(n),
    }))
    const { upsertScenarios } = await this.tenant.data(
      `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { errors { message } } }`,
      { scenarios },
    )
    expect(upsertScenarios.errors).toEqual([])
    return scenarios.map(({ scenarioId }) => scenarioId)
  }

  async withdraw(versionId: string, withdrawn = true): Promise<void> {
    const { withdrawConfigVersion } = await this.tenant.data(
      'mutation ($input: WithdrawConfigVersionInput!) { withdrawConfigVersion(input: $input) { errors { message } } }',
      { input: { versionId, withdrawn } },
    )
    expect(withdrawConfigVersion.errors).toEqual([])
  }

  /** A simulation of the latest of its versions, or another, that completes unless said. */
  async run(
    scenarioIds: readonly string[],
    brings: Brings,
    {
      versionId = this.versionIds.at(-1)!,
      repetitions = 1,
      completes = true,
      ...more
    }: {
      versionId?: string
      repetitions?: number
      completes?: boolean
      timeoutMs?: number
      maxRetries?: number
    } = {},
  ): Promise<string> {
    const { startSimulation } = await this.tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }`,
      { input: { configVersionId: versionId, scenarioIds, repetitions, ...more } },
    )
    expect(startSimulation.errors).toEqual([])
    const { simulationId } = startSimulation.simulation
    const outcomes = scenarioIds.flatMap((scenarioId, scenario) =>
      Array.from({ length: repetitions }, (_, nth) =>
        [brings({ scenario, repetition: nth + 1 })].flat().map((attempt, retryCount) => ({
          simulationId,
          scenarioId,
          repetition: nth + 1,
          retryCount,
          status: 'SUCCESS',
          ...attempt,
        })),
      ).flat(),
    )
    const { storedCount, receipts } = await this.tenant.record(outcomes)
    expect(storedCount, JSON.stringify(receipts.find(({ status }) => status !== 'STORED'))).toBe(
      outcomes.length,
    )
    if (completes) await this.complete(simulationId)
    return simulationId
  }

  async complete(simulationId: string): Promise<void> {
    const { completeSimulation } = await this.tenant.data(
      `mutation ($simulationId: UUID!) { completeSimulation(input: { simulationId: $simulationId }) { simulation { status } errors { message } } }`,
      { simulationId },
    )
    expect(completeSimulation.errors).toEqual([])
    expect(completeSimulation.simulation.status).toBe('COMPLETED')
  }

  /** Of its latest version when no simulation is given. */
  async results(input: object = { configId: this.configId }): Promise<any[]> {
    const { generateRecommendations } = await this.tenant.data(GENERATE, { input })
    expect(generateRecommendations.errors).toEqual([])
    return generateRecommendations.results
  }

  /** The last one by rule. */
  async generate(input?: object): Promise<Record<string, any>> {
    return Object.fromEntries((await this.results(input)).map((result) => [result.rule, result]))
  }
}

/** Of a tool, so many of which failed. */
export const calls = (
  toolName: string,
  callCount: number,
  failed: number,
  error = 'Error: no such order',
) => ({
  toolName,
  callCount,
  successRate: 1 - failed / callCount,
  errorTypes: failed > 0 ? [error] : [],
})

/** One call of `search` in each run, of which these fail, and one of `book`. */
export const searches =
  (failing: number, bookFails = 0): Brings =>
  ({ scenario }) => ({
    toolUsage: [
      calls('search', 1, scenario < failing ? 1 : 0),
      calls('book', 1, scenario < bookFails ? 1 : 0),
    ],
  })

/** These time out after a time, the others take from 20 s on. */
export const timeouts =
  (timedOut: number, afterMs: number, takesMs = 20_000): Brings =>
  ({ scenario }) =>
    scenario < timedOut
      ? { status: 'TIMEOUT', executionTimeMs: afterMs }
      : { executionTimeMs: takesMs + 100 * scenario }

export const fails =
  (failing: number, more: object = {}): Brings =>
  ({ scenario }) => ({
    ...(scenario < failing && { status: 'ERROR', error: 'ToolError: no such order 7' }),
    ...more,
  })

export const YAML = '# mine\nmodel: gpt-4.1 # the model\ntimeout: 30 # s\nrepetitions: 2\n'
export const MINI = YAML.replace('gpt-4.1', 'gpt-4.1-mini')

export const oneRun =
  (count: number, brings: Brings, options: object = {}, yaml = YAML) =>
  async (agent: EvaluatedAgent) => {
    await agent.version(yaml)
    await agent.run(await agent.scenarios(count), brings, options)
  }

/** Versions in turn on the same scenarios. */
export const runsOf =
  (count: number, ...versions: [yaml: string, Brings][]) =>
  async (agent: EvaluatedAgent) => {
    const ids = await agent.scenarios(count)
    for (const [yaml, brings] of versions) {
      await agent.version(yaml)
      await agent.run(ids, brings)
    }
  }

/** The first 20 of 30 scenarios are run; `failing` of the first 10, which with the last 10 have a tag. */
export const partly =
  (failing: number, othersFail = 0) =>
  async (agent: EvaluatedAgent) => {
    await agent.version(YAML)
    const ids = await agent.scenarios(30, (n) => ({ tags: n < 10 || n >= 20 ? ['refund'] : ['cancel'] }))
    await agent.run(ids.slice(0, 20), ({ scenario }) => ({
      ...((scenario < failing || (scenario >= 10 && scenario < 10 + othersFail)) && {
        status: 'ERROR',
        error: 'ToolError: no such order 7',
      }),
    }))
  }

/** One more look of the job at all that is marked in a database, of so many servers. */
async function lookAtMarked(ownerUrl: string, serviceUrl: string, servers = 1): Promise<void> {
  await query(ownerUrl, `update store.jobs set due_at = now() where name = 'recommend'`)
  const running = Array.from({ length: servers }, () => {
    let pool: pg.Pool
    const job = recommend((tenantId, versionId, simulationId) =>
      generateUnasked(
        (work) => writeAs({ writing: pool } as never, arcFor(tenantId), work),
        versionId,
        simulationId,
        null,
      ),
    )
    const started = server([job], serviceUrl)
    pool = started.pool
    return started
  })
  await Promise.all(running.map(({ runner }) => runner.runDue()))
  expect(running.flatMap(({ ended }) => ended).every(({ failed }) => !failed)).toBe(true)
  expect(running.flatMap(({ logged }) => logged)).toEqual([])
  await Promise.all(running.map(({ stop }) => stop()))
}

/** A database of its own for a `describe`, with what looks for recommendations there. */
export function useAgentDatabase(extension?: 'timescaledb') {
  const database = useOwnDatabase(extension)
  return {
    database,
    agent: () => new EvaluatedAgent(database.servers[0]!.tenant()),
    /** One more look of the job, of so many servers. */
    look: (servers = 1) => lookAtMarked(database.url, database.serviceUrl, servers),
  }
}
