import {
  cancelSimulation,
  completeSimulation,
  describeSimulation,
  extendSimulation,
  failSimulation,
  startSimulation,
} from '../evaluation/simulations/simulations.ts'
import { builder } from './builder/builder.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'
import { simulationPages } from './simulation.ts'

const StartSimulationInput = builder.inputType('StartSimulationInput', {
  description: 'A new simulation.',
  fields: (t) => ({
    configVersionId: t.field({
      type: 'UUID',
      required: true,
      description: 'The configuration version to run.',
    }),
    scenarioIds: t.stringList({
      required: true,
      description: 'The keys of the scenarios to run, in order; 1 to 100,000.',
    }),
    repetitions: t.int({ description: 'How often each scenario runs, 1 to 1,000; once by default.' }),
    name: t.string({ description: 'Its display name, up to 200 characters.' }),
    description: t.string({ description: 'Up to 10,000 characters.' }),
    tags: t.stringList({ description: 'Up to 20 tags.' }),
    start: t.boolean({
      description:
        'Whether to start it now; if false, it is PENDING until its first outcome. True by default.',
    }),
    simulationId: t.field({
      type: 'UUID',
      description: 'Its key, if the caller chooses it. Repeating the call returns the existing simulation.',
    }),
    modalAppId: t.string({ description: 'The Modal app that runs it.' }),
    modalEnvironment: t.string({
      description: 'The Modal environment that it runs in; production by default.',
    }),
    sandboxInstances: t.int({ description: 'How many sandboxes run in parallel; 1 by default.' }),
    timeoutMs: t.int({ description: 'How long one run may take, in milliseconds; 300,000 by default.' }),
    maxRetries: t.int({ description: 'How often a run may be retried; 3 by default.' }),
    priority: t.int({ description: '1 to 10, 10 is the most urgent; 5 by default.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Custom data to store with it.' }),
    failWhenSilent: t.boolean({
      description:
        'Whether it fails when neither an outcome nor a heartbeat came for timeoutMs: its runner is gone then. True by default.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was planned, in the past; startedAt by default, else now.',
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When it started, in the past; createdAt by default, else now.',
    }),
  }),
})

const ExtendSimulationInput = builder.inputType('ExtendSimulationInput', {
  description: 'What a simulation turns out to have besides.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    scenarioIds: t.stringList({
      description: 'Keys of scenarios to add, in order; those that it has already stay.',
    }),
    repetitions: t.int({
      description: 'How often each scenario runs, if that is more than before; up to 1,000.',
    }),
    metadata: t.field({ type: 'JSONObject', description: 'Custom data that replaces its own.' }),
    reopen: t.boolean({
      description:
        'Whether a simulation that has completed is RUNNING again, unless its result was given with its end. False by default.',
    }),
  }),
})

const DescribeSimulationInput = builder.inputType('DescribeSimulationInput', {
  description: 'What a simulation is called and what is said of it: what is left out stays, null removes it.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    name: t.string({ description: 'Its display name, up to 200 characters.' }),
    description: t.string({ description: 'Up to 10,000 characters.' }),
    tags: t.stringList({ description: 'Up to 20 tags.' }),
    priority: t.int({ description: '1 to 10, 10 is the most urgent.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Custom data that replaces its own.' }),
  }),
})

const SuiteResultInput = builder.inputType('SuiteResultInput', {
  description: 'The overall result, if the runner knows it better than the sum of the outcomes.',
  fields: (t) => ({
    overallScore: t.float({ description: '0 to 1; by default the mean of the graded runs.' }),
    totalCostUsd: t.field({
      type: 'Usd',
      description: 'What it cost; by default the sum of the outcomes.',
    }),
    executionTimeMs: t.field({
      type: 'SafeInt',
      description: 'Milliseconds it took; by default the sum of the outcomes.',
    }),
  }),
})

const CompleteSimulationInput = builder.inputType('CompleteSimulationInput', {
  description: 'A simulation to complete.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    result: t.field({ type: SuiteResultInput, description: 'The overall result.' }),
    completedAt: t.field({
      type: 'DateTime',
      description: 'When it ended, in the past but not before it started; now by default.',
    }),
  }),
})

const FailSimulationInput = builder.inputType('FailSimulationInput', {
  description: 'A simulation that failed.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    errorMessage: t.string({ required: true, description: 'Why; cut after 10,000 characters.' }),
    completedAt: t.field({
      type: 'DateTime',
      description: 'When it ended, in the past but not before it started; now by default.',
    }),
  }),
})

const CancelSimulationInput = builder.inputType('CancelSimulationInput', {
  description: 'A simulation to cancel.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    reason: t.string({ description: 'Why; cut after 10,000 characters.' }),
    completedAt: t.field({
      type: 'DateTime',
      description: 'When it ended, in the past but not before it started; now by default.',
    }),
  }),
})

const SimulationPayload = payloadType<{ simulationId: string; created: boolean }>(
  'SimulationPayload',
  'The simulation after the change, or the errors.',
  (t) => ({
    simulation: t.field(
      simulationPages.inPayload(
        ({ simulationId }) => simulationId,
        'The simulation as it is now; null when there are errors.',
      ),
    ),
    created: t.boolean({
      description: 'Whether this call created the simulation.',
      resolve: ({ result }) => result?.created ?? false,
    }),
  }),
)

/** The result of a step of a simulation that is there. */
const stepped = (simulationId: string) => ({ simulationId, created: false })

builder.mutationFields((t) => ({
  startSimulation: t.field({
    type: SimulationPayload,
    description: 'Plans a simulation and, by default, starts it.',
    args: { input: t.arg({ type: StartSimulationInput, required: true, description: 'What to run.' }) },
    resolve: (_, { input }, { write, services: { quotas } }) =>
      payloadOf(() =>
        write((transaction) =>
          startSimulation(transaction, quotas.openRuns, {
            simulationId: input.simulationId ?? null,
            configVersionId: input.configVersionId,
            scenarioIds: input.scenarioIds,
            repetitions: input.repetitions ?? 1,
            name: input.name ?? null,
            description: input.description ?? null,
            tags: input.tags ?? [],
            running: input.start ?? true,
            modalAppId: input.modalAppId ?? null,
            modalEnvironment: input.modalEnvironment ?? null,
            sandboxInstances: input.sandboxInstances ?? null,
            timeoutMs: input.timeoutMs ?? null,
            maxRetries: input.maxRetries ?? null,
            priority: input.priority ?? null,
            metadata: input.metadata ?? null,
            failWhenSilent: input.failWhenSilent ?? true,
            createdAt: input.createdAt ?? null,
            startedAt: input.startedAt ?? null,
          }),
        ),
      ),
  }),
  extendSimulation: t.field({
    type: SimulationPayload,
    description:
      'Adds scenarios and repetitions to a simulation that has not ended, or reopens one: a run may grow while it goes on.',
    args: { input: t.arg({ type: ExtendSimulationInput, required: true, description: 'What to add.' }) },
    resolve: (
      _,
      { input: { simulationId, scenarioIds, repetitions, metadata, reopen } },
      { write, services },
    ) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        extendSimulation(
          transaction,
          services.quotas.openRuns,
          simulationId,
          { scenarioIds: scenarioIds ?? [], repetitions: repetitions ?? null, metadata: metadata ?? null },
          reopen ?? false,
        ),
      ),
  }),
  describeSimulation: t.field({
    type: SimulationPayload,
    description: 'Renames, describes and tags a simulation, whether it is running or has ended.',
    args: { input: t.arg({ type: DescribeSimulationInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { simulationId, ...description } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        describeSimulation(transaction, simulationId, description),
      ),
  }),
  completeSimulation: t.field({
    type: SimulationPayload,
    description: 'Completes a simulation. Its overall score is the given one or the mean of its graded runs.',
    args: { input: t.arg({ type: CompleteSimulationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { simulationId, result, completedAt } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        completeSimulation(
          transaction,
          simulationId,
          {
            overallScore: result?.overallScore ?? null,
            totalCostUsd: result?.totalCostUsd ?? null,
            executionTimeMs: result?.executionTimeMs ?? null,
          },
          completedAt ?? null,
        ),
      ),
  }),
  failSimulation: t.field({
    type: SimulationPayload,
    description: 'Ends a simulation as failed.',
    args: { input: t.arg({ type: FailSimulationInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_, { input: { simulationId, errorMessage, completedAt } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        failSimulation(transaction, simulationId, errorMessage, completedAt ?? null),
      ),
  }),
  cancelSimulation: t.field({
    type: SimulationPayload,
    description: 'Cancels a simulation. Later outcomes are rejected.',
    args: { input: t.arg({ type: CancelSimulationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { simulationId, reason, completedAt } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        cancelSimulation(transaction, simulationId, reason ?? null, completedAt ?? null),
      ),
  }),
}))
