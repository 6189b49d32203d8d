// What another program writes: compiled against the package as it is published (types.test.ts), never run.
import {
  ArcClient,
  ArcRequestError,
  type ErrorCode,
  type OutcomeBatcher,
  type OutcomeInput,
  type OutcomeReceipt,
  type Simulation,
  type SimulationEvent,
  type TypedDocument,
} from 'arc-eval/client'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <_ extends true>() => {}

/** As codegen writes it with `documentMode: 'string'`. */
class TypedDocumentString<Result, Variables> extends String {
  __apiType?: (variables: Variables) => Result
}

export async function consumer(
  client: ArcClient,
  batcher: OutcomeBatcher,
  signal: AbortSignal,
): Promise<void> {
  const started = await client.startSimulation({ configVersionId: 'v', scenarioIds: ['a'] }, { signal })
  is<Equal<typeof started, Simulation & { created: boolean }>>()
  is<Equal<typeof started.status, 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED'>>()
  // @ts-expect-error: a scenario has to be named
  await client.startSimulation({ configVersionId: 'v' })
  // @ts-expect-error: that is `start: false` itself
  await client.createSimulation({ configVersionId: 'v', scenarioIds: [], start: true })

  const outcome: OutcomeInput = {
    simulationId: 's',
    scenarioId: 'a',
    status: 'SUCCESS',
    executionTime: new Date(),
  }
  is<Equal<Awaited<ReturnType<typeof batcher.record>>, OutcomeReceipt>>()
  await batcher.record(outcome)
  // @ts-expect-error: there is no such status
  await client.recordOutcome({ ...outcome, status: 'GREAT' })

  for await (const event of client.simulationEvents('s', { afterSeq: 3, signal })) {
    is<Equal<typeof event, SimulationEvent>>()
    is<Equal<typeof event.seq, number>>()
  }
  for await (const { reliabilityScore, trajectory } of client.getScenarioOutcomes('s', { status: 'ERROR' })) {
    is<Equal<typeof reliabilityScore, number | null>>()
    is<Equal<typeof trajectory, unknown>>()
  }

  const generated = new TypedDocumentString<{ viewer: { role: string } }, { id: string }>('query …')
  const data = await client.request(generated, { id: 'x' })
  is<Equal<typeof data, { viewer: { role: string } }>>()
  // @ts-expect-error: the document has a variable
  await client.request(generated)
  // @ts-expect-error: of another type
  await client.request(generated, { id: 1 })
  const bare = new TypedDocumentString<{ count: number }, Record<string, never>>('query …')
  const counted: { count: number } = await client.request(bare)
  is<Equal<typeof counted, { count: number }>>()
  const unknown = await client.request('{ viewer { role } }')
  is<Equal<typeof unknown, unknown>>()
  const own: TypedDocument<{ simulationEvents: { seq: number } }, { afterSeq: number }> = 'subscription …'
  const resume = (last: { simulationEvents: { seq: number } }) => ({ afterSeq: last.simulationEvents.seq })
  for await (const { simulationEvents } of client.subscribe(own, { afterSeq: 0 }, { resume, signal })) {
    is<Equal<typeof simulationEvents, { seq: number }>>()
  }
  // @ts-expect-error: a parsed document is not text
  await client.request({ kind: 'Document', definitions: [] })

  try {
    await new ArcClient({ url: 'https://arc.example.com/graphql', token: async () => 'token' }).health()
  } catch (error) {
    if (!(error instanceof ArcRequestError)) throw error
    is<Equal<typeof error.codes, ErrorCode[]>>()
    is<Equal<typeof error.retryable, boolean>>()
  }
}
