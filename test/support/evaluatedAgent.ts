import { expect } from 'vitest'
import type { Tenant } from './arc.ts'

/** What a run brings, besides whose it is. */
export type Brings = (at: { scenario: number; repetition: number }) => object

const GENERATE = `mutation ($input: GenerateRecommendationsInput!) { generateRecommendations(input: $input) {
  results { rule status reason recommendation {
    recommendationId state rule subject sourceId recommendationType description suggestedYamlChanges impactEstimate confidence
    configId configVersionId facts suggestedChanges { path op before after } restoresVersion { versionNumber } wordedBy
    evidence { nodes { place kind summary simulationId outcomeId scenarioId configVersionId signature toolName } }
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

  /** A simulation of the latest of its versions, or another, that completes. */
  async run(
    scenarioIds: readonly string[],
    brings: Brings,
    {
      versionId = this.versionIds.at(-1)!,
      repetitions = 1,
      ...more
    }: { versionId?: string; repetitions?: number; timeoutMs?: number } = {},
  ): Promise<string> {
    const { startSimulation } = await this.tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }`,
      { input: { configVersionId: versionId, scenarioIds, repetitions, ...more } },
    )
    expect(startSimulation.errors).toEqual([])
    const { simulationId } = startSimulation.simulation
    const outcomes = scenarioIds.flatMap((scenarioId, scenario) =>
      Array.from({ length: repetitions }, (_, nth) => ({
        simulationId,
        scenarioId,
        repetition: nth + 1,
        status: 'SUCCESS',
        ...brings({ scenario, repetition: nth + 1 }),
      })),
    )
    const { storedCount, receipts } = await this.tenant.record(outcomes)
    expect(storedCount, JSON.stringify(receipts.find(({ status }) => status !== 'STORED'))).toBe(
      outcomes.length,
    )
    const { completeSimulation } = await this.tenant.data(
      `mutation ($simulationId: UUID!) { completeSimulation(input: { simulationId: $simulationId }) { simulation { status } errors { message } } }`,
      { simulationId },
    )
    expect(completeSimulation.errors).toEqual([])
    expect(completeSimulation.simulation.status).toBe('COMPLETED')
    return simulationId
  }

  /** By rule; of its latest version when no simulation is given. */
  async generate(input: object = { configId: this.configId }): Promise<Record<string, any>> {
    const { generateRecommendations } = await this.tenant.data(GENERATE, { input })
    expect(generateRecommendations.errors).toEqual([])
    return Object.fromEntries(
      generateRecommendations.results.map((result: { rule: string }) => [result.rule, result]),
    )
  }
}
