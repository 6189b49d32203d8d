import DataLoader from 'dataloader'
import {
  heartbeatsOf,
  heartbeatsOfRuns,
  LAST_HEARTBEAT,
  LAST_HEARTBEAT_OF_RUN,
  type RunKey,
} from '../evaluation/simulations/heartbeatStore.ts'
import { heartbeat } from '../evaluation/simulations/heartbeats.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { payloadOfStep, payloadType } from './payload.ts'
import { Simulation, simulationPages } from './simulation.ts'
import { SimulationScenario } from './simulationScenario.ts'

builder.prismaObjectField(Simulation, 'lastHeartbeatAt', (t) =>
  t.field({
    type: 'DateTime',
    nullable: true,
    select: { simulationId: true },
    extensions: { cost: 1, read: () => LAST_HEARTBEAT } satisfies ReadInStatement,
    description:
      'When its latest heartbeat came, of the simulation or one of its runs, to the second; null while there is none.',
    resolve: ({ simulationId }, _, context, info) => {
      const { loader } = sharedByField(
        context,
        info,
        () =>
          new DataLoader<string, Date | null>(async (simulationIds) => {
            const times = await heartbeatsOf(context.reads, simulationIds)
            return simulationIds.map((each) => times.get(each) ?? null)
          }),
      )
      return loader.load(simulationId)
    },
  }),
)

builder.prismaObjectField(SimulationScenario, 'lastHeartbeatAt', (t) =>
  t.field({
    type: 'DateTime',
    nullable: true,
    select: { simulationId: true, scenarioId: true, repetition: true },
    extensions: { cost: 1, read: () => LAST_HEARTBEAT_OF_RUN } satisfies ReadInStatement,
    description: 'When its latest heartbeat came; null while there is none.',
    resolve: ({ simulationId, scenarioId, repetition }, _, context, info) => {
      const { loader } = sharedByField(
        context,
        info,
        () =>
          new DataLoader<RunKey, Date | null, string>((runs) => heartbeatsOfRuns(context.reads, runs), {
            cacheKeyFn: (run) => JSON.stringify(run),
          }),
      )
      return loader.load({ simulationId, scenarioId, repetition })
    },
  }),
)

const HeartbeatInput = builder.inputType('HeartbeatInput', {
  description: 'What goes on.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'The simulation’s key.' }),
    scenarioId: t.string({ description: 'The scenario’s key, if one run says it; its run is RUNNING then.' }),
    repetition: t.int({ description: 'Which repetition of the scenario, from 1; the first by default.' }),
  }),
})

const HeartbeatPayload = payloadType<string>(
  'HeartbeatPayload',
  'The simulation that goes on, or the errors; SIMULATION_ENDED tells a runner to stop.',
  (t) => ({
    simulation: t.field(
      simulationPages.inPayload(
        (simulationId) => simulationId,
        'The simulation; null when there are errors.',
      ),
    ),
  }),
)

builder.mutationFields((t) => ({
  heartbeat: t.field({
    type: HeartbeatPayload,
    description:
      'Says that a simulation goes on, or one of its runs: send one every 10 to 60 seconds while no outcome is ready. It starts a PENDING simulation, and takes up one that failed because its runner seemed to be gone. It is no event.',
    args: { input: t.arg({ type: HeartbeatInput, required: true, description: 'What goes on.' }) },
    resolve: (_, { input: { simulationId, scenarioId, repetition } }, { write }) =>
      payloadOfStep(
        write,
        simulationId,
        (transaction) =>
          heartbeat(transaction, {
            simulationId,
            scenarioId: scenarioId ?? null,
            repetition: repetition ?? null,
          }),
        { mayRepeat: true },
      ),
  }),
}))
