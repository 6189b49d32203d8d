import {
  cancelSimulation,
  completeSimulation,
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
    repetitions: t.int({ description: 'How often each scenario runs, 1 to 1,000; once when not given.' }),
    name: t.string({ description: 'What people call it, up to 200 characters.' }),
    start: t.boolean({
      description:
        'Whether it runs from now on; with false it is PENDING until its first outcome. True when not given.',
    }),
    simulationId: t.field({
      type: 'UUID',
      description:
        'Its key, when the caller wants to choose it. The same call again answers the simulation that is there.',
    }),
    modalAppId: t.string({ description: 'The Modal app that runs it.' }),
    modalEnvironment: t.string({
      description: 'The Modal environment that it runs in; production when not given.',
    }),
    sandboxInstances: t.int({ description: 'How many sandboxes run side by side; 1 when not given.' }),
    timeoutMs: t.int({ description: 'How long one run may take, in milliseconds; 300,000 when not given.' }),
    maxRetries: t.int({ description: 'How often a run may be tried again; 3 when not given.' }),
    priority: t.int({ description: '1 to 10, 10 is the most urgent; 5 when not given.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Whatever should be kept with it.' }),
  }),
})

const SuiteResultInput = builder.inputType('SuiteResultInput', {
  description: 'The result of the whole, when the runner knows it better than the sum of the outcomes.',
  fields: (t) => ({
    overallScore: t.float({ description: '0 to 1; the mean of the graded runs when not given.' }),
    totalCostUsd: t.field({
      type: 'Usd',
      description: 'What it cost; the sum of the outcomes when not given.',
    }),
    executionTimeMs: t.field({
      type: 'SafeInt',
      description: 'Milliseconds it took; the sum of the outcomes when not given.',
    }),
  }),
})

const CompleteSimulationInput = builder.inputType('CompleteSimulationInput', {
  description: 'A simulation that went through.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    result: t.field({ type: SuiteResultInput, description: 'The result of the whole.' }),
  }),
})

const FailSimulationInput = builder.inputType('FailSimulationInput', {
  description: 'A simulation that broke off.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    errorMessage: t.string({ required: true, description: 'Why, up to 10,000 characters; more is cut.' }),
  }),
})

const CancelSimulationInput = builder.inputType('CancelSimulationInput', {
  description: 'A simulation to stop.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    reason: t.string({ description: 'Why, up to 10,000 characters; more is cut.' }),
  }),
})

const SimulationPayload = payloadType<{ simulationId: string; created: boolean }>(
  'SimulationPayload',
  'The simulation after the step, or why there was none.',
  (t) => ({
    simulation: t.field(
      simulationPages.inPayload(
        ({ simulationId }) => simulationId,
        'The simulation as it is now; null when there are errors.',
      ),
    ),
    created: t.boolean({
      description: 'Whether this call made the simulation.',
      resolve: ({ result }) => result?.created ?? false,
    }),
  }),
)

/** The result of a step of a simulation that is there. */
const stepped = (simulationId: string) => ({ simulationId, created: false })

builder.mutationFields((t) => ({
  startSimulation: t.field({
    type: SimulationPayload,
    description: 'Plans a simulation and, unless told otherwise, starts it.',
    args: { input: t.arg({ type: StartSimulationInput, required: true, description: 'What to run.' }) },
    resolve: (_, { input }, { write }) =>
      payloadOf(() =>
        write((transaction) =>
          startSimulation(transaction, {
            simulationId: input.simulationId ?? null,
            configVersionId: input.configVersionId,
            scenarioIds: input.scenarioIds,
            repetitions: input.repetitions ?? 1,
            name: input.name ?? null,
            running: input.start ?? true,
            modalAppId: input.modalAppId ?? null,
            modalEnvironment: input.modalEnvironment ?? null,
            sandboxInstances: input.sandboxInstances ?? null,
            timeoutMs: input.timeoutMs ?? null,
            maxRetries: input.maxRetries ?? null,
            priority: input.priority ?? null,
            metadata: input.metadata ?? null,
          }),
        ),
      ),
  }),
  completeSimulation: t.field({
    type: SimulationPayload,
    description:
      'Ends a simulation that went through. Its overall score is the given one or the mean of its graded runs.',
    args: { input: t.arg({ type: CompleteSimulationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { simulationId, result } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        completeSimulation(transaction, simulationId, {
          overallScore: result?.overallScore ?? null,
          totalCostUsd: result?.totalCostUsd ?? null,
          executionTimeMs: result?.executionTimeMs ?? null,
        }),
      ),
  }),
  failSimulation: t.field({
    type: SimulationPayload,
    description: 'Ends a simulation that broke off.',
    args: { input: t.arg({ type: FailSimulationInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_, { input: { simulationId, errorMessage } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        failSimulation(transaction, simulationId, errorMessage),
      ),
  }),
  cancelSimulation: t.field({
    type: SimulationPayload,
    description: 'Stops a simulation. Outcomes that come later are rejected.',
    args: { input: t.arg({ type: CancelSimulationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { simulationId, reason } }, { write }) =>
      payloadOfStep(write, stepped(simulationId), (transaction) =>
        cancelSimulation(transaction, simulationId, reason ?? null),
      ),
  }),
}))
