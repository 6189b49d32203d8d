import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const STATE = `recommendation {
  recommendationId sourceType sourceId recommendationType description suggestedYamlChanges impactEstimate confidence
  applied appliedAt appliedBy feedbackScore
} errors { code path }`

async function step(tenant: Tenant, mutation: string, input: object): Promise<any> {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
  const data = await tenant.data(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${STATE} } }`, {
    input,
  })
  return data[mutation]
}

const ADVICE = {
  sourceType: 'PATTERN_ANALYSIS',
  sourceId: randomUUID(),
  recommendationType: 'CONFIG_CHANGE',
  description: 'Lower the temperature to 0.2.',
  suggestedYamlChanges: 'temperature: 0.2',
  impactEstimate: { successRate: 0.1 },
  confidence: 0.8,
}

describe('a recommendation', () => {
  it('is stored, listed by confidence, applied once and rated', async () => {
    const tenant = arc.tenant()
    const { recommendation, errors } = await step(tenant, 'createRecommendation', ADVICE)
    const { recommendationId } = recommendation
    const open = {
      ...ADVICE,
      recommendationId,
      applied: false,
      appliedAt: null,
      appliedBy: null,
      feedbackScore: null,
    }
    expect({ recommendation, errors }).toEqual({ recommendation: open, errors: [] })
    for (const confidence of [0, 1]) await step(tenant, 'createRecommendation', { ...ADVICE, confidence })
    const { recommendations } = await tenant.data('{ recommendations { nodes { confidence } } }')
    expect(recommendations.nodes.map((each: { confidence: number }) => each.confidence)).toEqual([1, 0.8, 0])

    expect((await step(tenant, 'applyRecommendation', { recommendationId })).recommendation).toMatchObject({
      applied: true,
      appliedAt: expect.stringMatching(/^20/),
      appliedBy: 'actor of app_user',
    })
    expect(await step(tenant, 'applyRecommendation', { recommendationId })).toEqual({
      recommendation: null,
      errors: [{ code: 'RECOMMENDATION_APPLIED', path: ['recommendationId'] }],
    })
    for (const score of [5, 1]) {
      const rated = await step(tenant, 'rateRecommendation', { recommendationId, score })
      expect(rated.recommendation).toMatchObject({ feedbackScore: score, applied: true })
    }
    const { applied } = await tenant.data(
      '{ applied: recommendations(filter: { applied: true }) { nodes { recommendationId } } }',
    )
    expect(applied.nodes).toEqual([{ recommendationId }])
  })

  it('follows from something that the tenant has', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { configId } = await tenant.configVersion('agent', 'model: a\n')
    await tenant.data(
      `mutation ($configId: UUID!) {
        createConfigVersion(input: { configId: $configId, yaml: "model: b" }) { errors { code } }
      }`,
      { configId },
    )
    const { configDiffs } = await tenant.data('{ configDiffs { nodes { diffId } } }')
    const sources = {
      SIMULATION: simulationId,
      OUTCOME: receipts[0].outcomeId,
      CONFIG_DIFF: configDiffs.nodes[0].diffId,
    }
    for (const [sourceType, sourceId] of Object.entries(sources)) {
      const known = await step(tenant, 'createRecommendation', { ...ADVICE, sourceType, sourceId })
      expect(known, sourceType).toMatchObject({ recommendation: { sourceType, sourceId }, errors: [] })
      const unknown = await step(tenant, 'createRecommendation', { ...ADVICE, sourceType })
      expect(unknown, sourceType).toEqual({
        recommendation: null,
        errors: [{ code: 'SOURCE_NOT_FOUND', path: ['sourceId'] }],
      })
    }
  })

  it('that cannot be kept is refused, with the field at fault', async () => {
    const tenant = arc.tenant()
    let deep: object = {}
    for (let level = 0; level < 300; level++) deep = { deep }
    for (const [change, code, field] of [
      [{ description: ' too few ' }, 'INVALID_VALUE', 'description'],
      [{ description: 'x'.repeat(10_001) }, 'INVALID_VALUE', 'description'],
      [{ confidence: 1.01 }, 'INVALID_VALUE', 'confidence'],
      [{ confidence: -0.01 }, 'INVALID_VALUE', 'confidence'],
      [{ suggestedYamlChanges: 'x'.repeat(524_289) }, 'TOO_LARGE', 'suggestedYamlChanges'],
      [{ impactEstimate: deep }, 'TOO_LARGE', 'impactEstimate'],
    ] as const) {
      const { recommendation, errors } = await step(tenant, 'createRecommendation', { ...ADVICE, ...change })
      expect([recommendation, errors[0].code, errors[0].path[0]]).toEqual([null, code, field])
    }
    for (const score of [0, 6]) {
      const { errors } = await step(tenant, 'rateRecommendation', { recommendationId: randomUUID(), score })
      expect(errors).toEqual([{ code: 'INVALID_VALUE', path: ['score'] }])
    }
    const stored = await step(tenant, 'createRecommendation', {
      ...ADVICE,
      description: 'A text with \0 and \ud800 in it.',
      impactEstimate: { '\0': '\0' },
    })
    expect(stored.recommendation).toMatchObject({
      description: 'A text with \ufffd and \ufffd in it.',
      impactEstimate: { '\ufffd': '\ufffd' },
    })
    const { recommendations } = await tenant.data('{ recommendations { totalCount } }')
    expect(recommendations.totalCount).toBe(1)
  })
})

describe('the audit log', () => {
  it('tells who changed what, and is not changed by anybody', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('watched agent')
    await tenant.data(
      `mutation ($configId: UUID!) { archiveConfiguration(input: { configId: $configId }) { errors { code } } }`,
      { configId },
    )
    const { auditLog } = await tenant.data(
      `{ auditLog(filter: { tableName: { eq: "configurations" }, operation: { eq: UPDATE } }) {
        nodes { tableName operation actorId oldData newData ipAddress userAgent timestamp }
      } }`,
    )
    expect(auditLog.nodes.every(({ operation }: { operation: string }) => operation === 'UPDATE')).toBe(true)
    const [latest] = auditLog.nodes
    expect(latest).toMatchObject({
      tableName: 'configurations',
      operation: 'UPDATE',
      actorId: 'actor of app_user',
      oldData: { name: 'watched agent', is_active: true },
      newData: { name: 'watched agent', is_active: false },
      userAgent: 'node',
    })
    expect(latest.ipAddress).toMatch(/127\.0\.0\.1/)
    const { auditLog: all } = await tenant.data('{ auditLog { totalCount nodes { logId timestamp } } }')
    const times = all.nodes.map(({ timestamp }: { timestamp: string }) => timestamp)
    expect(times).toEqual([...times].sort().reverse())
    expect(await tenant.data(`{ auditLogEntry(logId: "${all.nodes[0].logId}") { logId } }`)).toEqual({
      auditLogEntry: { logId: all.nodes[0].logId },
    })
  })
})
