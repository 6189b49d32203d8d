import { ArcClient } from 'arc-eval/client'

const client = new ArcClient({ url: process.env.ARC_URL!, token: process.env.ARC_TOKEN! })

const agent = { name: 'support agent', yaml: 'model: gpt-4.1\ntemperature: 0.2\n' }
const { versionId } = await client.ensureConfigVersion(agent)
await client.upsertScenarios([{ scenarioId: 'refund', taskPrompt: 'Ask for your money back.' }])

const { simulationId } = await client.startSimulation({
  name: 'first try',
  configVersionId: versionId,
  scenarioIds: ['refund'],
})
const receipt = await client.recordOutcome({
  simulationId,
  scenarioId: 'refund',
  status: 'SUCCESS',
  reliabilityScore: 0.95,
  executionTimeMs: 1_500,
  promptTokens: 900,
  completionTokens: 120,
  costUsd: 0.02,
  trajectory: { messages: [{ role: 'assistant', content: 'It is on its way.' }] },
})
if (receipt.status === 'REJECTED') throw new Error(receipt.reason ?? undefined)

const { overallScore } = await client.completeSimulation(simulationId)
console.log(`score ${overallScore}`)
for await (const { scenarioId, status } of client.getScenarioOutcomes(simulationId, { status: 'SUCCESS' })) {
  console.log(`${scenarioId}: ${status}`)
}
