import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeServiceLogin } from '../src/db/login.ts'
import { migrate } from '../src/db/migrator.ts'
import { Arc, type Tenant } from './arc.ts'
import { cleanUp, ENGINES, emptyDatabase, on } from './emptyDatabase.ts'
import { fillHistory, type History } from './history.ts'
import { plansDuring, rowsRead } from './plans.ts'

it('x', async () => {
  const url = await emptyDatabase(process.env.E === 'apache' ? 'timescaledb' : undefined)
  await migrate(url)
  const login = `arc_plans_${randomBytes(4).toString('hex')}`
  const { Arc } = await import('./arc.ts')
  let t = performance.now()
  await makeServiceLogin(url, login, 'secret')
  const service = new URL(url)
  if (!url.includes('host=')) { service.username = login; service.password = 'secret' }
  const arc = new Arc({ DATABASE_URL: service.toString() })
  const tenant = arc.tenant()
  const history = await on(url, (c) => fillHistory(c, [tenant.tenantId, randomUUID(), randomUUID()]))
  console.log('filled', performance.now() - t)
  await arc.start()
  cleanUp.push(() => arc.stop())
  const h = history
  const asks: Record<string, [string, object?]> = {
    tenant: ['{ outcomes(first: 20) { nodes { outcomeId status } } }'],
    deep: ['query($c: String) { outcomes(first: 20, after: $c) { nodes { outcomeId status } } }', {c: (await tenant.data('{ outcomes(first: 500) { pageInfo { endCursor } } }')).outcomes.pageInfo.endCursor}],
    backward: ['{ outcomes(last: 20) { nodes { outcomeId status } } }'],
    simulationFilter: ['query($s: UUID!) { outcomes(first: 20, filter: {simulationId: {eq: $s}}) { nodes { outcomeId } } }', {s: h.simulationId}],
    simulationNested: ['query($s: UUID!) { simulation(simulationId: $s) { outcomes(first: 20) { nodes { outcomeId status } } } }', {s: h.simulationId}],
    simulations: ['{ simulations(first: 20) { nodes { outcomes(first: 20) { nodes { outcomeId status } } } } }'],
    scenarioFilter: ['query($s: String!) { outcomes(first: 20, filter: {scenarioId: {eq: $s}}) { nodes { outcomeId } } }', {s: h.scenarioId}],
    scenarioNested: ['query($s: String!) { scenario(scenarioId: $s) { outcomes(first: 20) { nodes { outcomeId } } } }', {s: h.scenarioId}],
    versionFilter: ['query($s: UUID!) { outcomes(first: 20, filter: {configVersionId: {eq: $s}}) { nodes { outcomeId } } }', {s: h.versionId}],
    versionNested: ['query($s: UUID!) { configVersion(versionId: $s) { outcomes(first: 20) { nodes { outcomeId } } } }', {s: h.versionId}],
    configFilter: ['query($s: UUID!) { outcomes(first: 20, filter: {configId: {eq: $s}}) { nodes { outcomeId } } }', {s: h.configId}],
    failed: ['{ outcomes(first: 20, filter: {status: {in: [ERROR, TIMEOUT]}}) { nodes { outcomeId status } } }'],
    error: ['{ outcomes(first: 20, filter: {status: {eq: ERROR}}) { nodes { outcomeId status } } }'],
    success: ['{ outcomes(first: 20, filter: {status: {eq: SUCCESS}}) { nodes { outcomeId status } } }'],
    cancelled: ['{ outcomes(first: 20, filter: {status: {eq: CANCELLED}}) { nodes { outcomeId status } } }'],
    text: ['{ outcomes(first: 20, filter: {errorCode: {contains: "e"}}) { nodes { outcomeId status } } }'],
    range: ['query($a: DateTime!, $b: DateTime!) { outcomes(first: 20, filter: {executionTime: {gte: $a, lt: $b}}) { nodes { outcomeId status } } }', {a: new Date(+h.executionTime - 1e9), b: h.executionTime}],
    byKey: ['query($s: UUID!) { outcome(outcomeId: $s) { outcomeId status trajectory simulation { simulationName } scenario { name } run { status } toolUsage { nodes { toolName } } failurePatterns { nodes { failureType } } } }', {s: h.outcomeId}],
    node: ['query($s: ID!) { node(id: $s) { ... on Outcome { outcomeId status trajectory } } }', {s: (await tenant.data('query($s: UUID!) { outcome(outcomeId: $s) { id } }', {s: h.outcomeId})).outcome.id}],
    steps: ['query($s: UUID!) { outcome(outcomeId: $s) { trajectorySteps(first: 3) { nodes { index } } trajectoryPath(path: ["status"]) } }', {s: h.outcomeId}],
    failurePatterns: ['{ failurePatterns(first: 20) { nodes { failureType } } }'],
    failurePatternsText: ['{ failurePatterns(first: 20, filter: {errorMessage: {contains: "fail"}}) { nodes { failureType outcome { status } } } }'],
    failurePatternsScenario: ['{ failurePatterns(first: 20, filter: {scenarioId: {eq: "s3"}}) { nodes { failureType } } }'],
    toolUsage: ['{ toolUsages(first: 20) { nodes { toolName outcome { status } } } }'],
    perf: ['query($s: UUID!) { simulation(simulationId: $s) { performance(first: 5) { nodes { outcomes } } } }', {s: h.simulationId}],
    runs: ['{ simulationScenarios(first: 20) { nodes { status outcome { status } } } }'],
    score: ['{ outcomes(first: 20, orderBy: {field: RELIABILITY_SCORE}) { nodes { outcomeId status } } }'],
    total: ['{ outcomes(first: 20) { totalCount nodes { outcomeId status } } }'],
  }
  for (const [name, [q, v]] of Object.entries(asks)) {
    if (process.env.ONLY && !name.match(process.env.ONLY)) continue
    const plans = await plansDuring(arc, service.toString(), tenant, async () => { const a = await tenant.ask(q, v ?? {}); if (a.errors) console.log(name, a.errors[0].message) })
    console.log(name.padEnd(25), plans.map((p) => `${p.statement.slice(0, 30).replace(/\s+/g, ' ')} rows=${rowsRead(p.plan)} plan=${p.planMs.toFixed(1)} exec=${p.executionMs.toFixed(1)}`).join(' | '))
    if (process.env.PLAN && name.match(process.env.PLAN)) for (const p of plans) console.log(p.statement, p.values, p.text)
  }
}, 300000)
