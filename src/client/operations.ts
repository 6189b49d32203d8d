// Made by codegen.ts from src/client/operations.graphql: change that, and run `npm run codegen`.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** A simulation that went through. */
export type CompleteSimulationInput = {
  /** The result of the whole. */
  result?: SuiteResultInput | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** A configuration’s next version. */
export type CreateConfigVersionInput = {
  /** The configuration’s key. */
  configId: string;
  /** Where the YAML comes from; API when not given. */
  generatedBy?: GeneratedBy | null | undefined;
  /** The YAML, at most 1 MiB. It has to name a model. */
  yaml: string;
};

/** A new configuration. */
export type CreateConfigurationInput = {
  /** Its key, when the caller wants to choose it. */
  configId?: string | null | undefined;
  /** Who made the YAML; API when not given. */
  generatedBy?: GeneratedBy | null | undefined;
  /** The Modal app that runs it. */
  modalAppId?: string | null | undefined;
  /** 3 to 100 characters, unique among the tenant’s active configurations. */
  name: string;
  /** The YAML of its first version, at most 1 MiB. */
  yaml?: string | null | undefined;
};

/** How hard a scenario is. */
export type Difficulty =
  /** Easy. */
  | 'EASY'
  /** Hard. */
  | 'HARD'
  /** Medium, also when nobody said. */
  | 'MEDIUM';

/** What kind of fault it was. */
export type ErrorCategory =
  /** The model gave nothing usable: refusal, rate limit, malformed call. */
  | 'MODEL_ERROR'
  /** The sandbox failed. */
  | 'SANDBOX_ERROR'
  /** The infrastructure failed. */
  | 'SYSTEM_ERROR'
  /** It took too long. */
  | 'TIMEOUT'
  /** A tool or function call failed. */
  | 'TOOL_ERROR'
  /** Nobody knows. */
  | 'UNKNOWN'
  /** The result was not what it should be. */
  | 'VALIDATION_ERROR';

/** Every reason for which Arc declines: in payload errors, in receipts, and as `extensions.code` of top-level errors. */
export type ErrorCode =
  /** Another outcome was recorded for this scenario, repetition and attempt: send a higher retryCount to replace it. */
  | 'ATTEMPT_ALREADY_RECORDED'
  /** The request is no GraphQL request: malformed JSON, an unknown operation, a wrong content type. */
  | 'BAD_REQUEST'
  /** A variable or argument has the wrong type or form. */
  | 'BAD_USER_INPUT'
  /** This tenant has no such configuration. */
  | 'CONFIGURATION_NOT_FOUND'
  /** The diff was decided in the other way before. */
  | 'CONFIG_DIFF_DECIDED'
  /** This tenant has no such diff. */
  | 'CONFIG_DIFF_NOT_FOUND'
  /** This tenant has no such configuration version. */
  | 'CONFIG_VERSION_NOT_FOUND'
  /** Another transaction got in the way and nothing was stored: send the same request again. */
  | 'CONFLICT_RETRY'
  /** The cursor was not made by this connection with this order. */
  | 'CURSOR_INVALID'
  /** The token is valid, but its role may not do this. */
  | 'FORBIDDEN'
  /** The document is not GraphQL. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not fit the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** A fault of the server. Its log has the whole error under the request id. */
  | 'INTERNAL_SERVER_ERROR'
  /** A value is outside what its field allows. */
  | 'INVALID_VALUE'
  /** The request is beyond a limit of this server; the message names it. */
  | 'LIMIT_EXCEEDED'
  /** The configuration names no model. */
  | 'MODEL_MISSING'
  /** Another active configuration of this tenant has the name. */
  | 'NAME_TAKEN'
  /** The outcome id belongs to an outcome of another simulation. */
  | 'OUTCOME_ID_TAKEN'
  /** The server has no trusted document with this hash. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** The server runs trusted documents only: send the hash of one. */
  | 'PERSISTED_QUERY_ONLY'
  /** Too many requests in a short time; the message and the header Retry-After say when to come back. */
  | 'RATE_LIMITED'
  /** The recommendation was applied before. */
  | 'RECOMMENDATION_APPLIED'
  /** This tenant has no such recommendation. */
  | 'RECOMMENDATION_NOT_FOUND'
  /** The repetition is not between 1 and the repetitions of the simulation. */
  | 'REPETITION_OUT_OF_RANGE'
  /** This tenant has no such scenario. */
  | 'SCENARIO_NOT_FOUND'
  /** The simulation does not run this scenario. */
  | 'SCENARIO_NOT_IN_SIMULATION'
  /** The simulation is completed, failed or cancelled and takes nothing more. */
  | 'SIMULATION_ENDED'
  /** The tenant has another simulation under this id. */
  | 'SIMULATION_ID_TAKEN'
  /** This tenant has no such simulation. */
  | 'SIMULATION_NOT_FOUND'
  /** This tenant has nothing of that kind under that key. */
  | 'SOURCE_NOT_FOUND'
  /** The time is longer ago than this database keeps outcomes. */
  | 'TIME_BEFORE_RETENTION'
  /** The time is more than five minutes ahead of the database clock. */
  | 'TIME_IN_FUTURE'
  /** A text, document or tree is larger than allowed. */
  | 'TOO_LARGE'
  /** More rows in one call than allowed. */
  | 'TOO_MANY_ROWS'
  /** No valid token came with the request. */
  | 'UNAUTHENTICATED'
  /** The database, or the identity provider, cannot be reached or did not answer in time: try again. What broke off in its commit may have been stored. */
  | 'UNAVAILABLE'
  /** The configuration is not valid YAML, or not a mapping. */
  | 'YAML_INVALID';

/** A simulation that broke off. */
export type FailSimulationInput = {
  /** Why, up to 10,000 characters; more is cut. */
  errorMessage: string;
  /** Its key. */
  simulationId: string;
};

/** One thing that went wrong in a run. */
export type FailurePatternInput = {
  /** What was said about it, up to 10,000 characters. */
  errorMessage?: string | null | undefined;
  /** What kind of fault. */
  failureCategory: ErrorCategory;
  /** What it was, up to 100 characters. */
  failureType: string;
  /** Whether the agent tried to recover. */
  recoveryAttempted?: boolean | null | undefined;
  /** Whether it did recover. */
  recoverySuccessful?: boolean | null | undefined;
  /** How to mend it. */
  resolutionSteps?: string | null | undefined;
};

/** Where a version’s YAML comes from. */
export type GeneratedBy =
  /** A program sent it. */
  | 'API'
  /** A diff was applied. */
  | 'DIFF_ENGINE'
  /** A person wrote it. */
  | 'MANUAL'
  /** An optimiser proposed it. */
  | 'OPTIMIZATION';

/** What came of one run. */
export type OutcomeInput = {
  /** Tokens that came out of the model. */
  completionTokens?: number | null | undefined;
  /** What the run cost. */
  costUsd?: number | null | undefined;
  /** What went wrong, in words: becomes a failure pattern. */
  error?: string | null | undefined;
  /** What kind of fault; told from the error when not given. */
  errorCategory?: ErrorCategory | null | undefined;
  /** The error’s code, up to 200 characters. */
  errorCode?: string | null | undefined;
  /** When the run ended; now when not given. At most five minutes ahead. */
  executionTime?: string | Date | null | undefined;
  /** How long the run took, in milliseconds; rounded. */
  executionTimeMs?: number | null | undefined;
  /** What went wrong; made from the error when not given. */
  failurePatterns?: Array<FailurePatternInput> | null | undefined;
  /** Further figures. */
  metrics?: Record<string, unknown> | null | undefined;
  /** The Modal call that it ran in. */
  modalCallId?: string | null | undefined;
  /** The model that ran, up to 200 characters. */
  model?: string | null | undefined;
  /** Its key. When not given it follows from simulation, scenario, repetition and attempt, so that sending a row again stores it once. */
  outcomeId?: string | null | undefined;
  /** Tokens that went into the model. */
  promptTokens?: number | null | undefined;
  /** 0 to 1; not given means that nobody graded it. */
  reliabilityScore?: number | null | undefined;
  /** Which repetition, from 1; 1 when not given. */
  repetition?: number | null | undefined;
  /** How many attempts came before; 0 when not given. A later attempt takes the place of an earlier one. */
  retryCount?: number | null | undefined;
  /** The sandbox that it ran in. */
  sandboxId?: string | null | undefined;
  /** The scenario’s key, or its source’s id. */
  scenarioId: string;
  /** The simulation’s key. */
  simulationId: string;
  /** How the run ended. */
  status: OutcomeStatus;
  /** Tokens in all; the sum of the two below when not given. */
  tokensUsed?: number | null | undefined;
  /** The tools used; read from the trajectory when not given. */
  toolUsage?: Array<ToolUsageInput> | null | undefined;
  /** All that the agent did, as any JSON; start_time and status are added when they are missing. */
  trajectory?: unknown;
};

/** How a run ended. */
export type OutcomeStatus =
  /** It was stopped. */
  | 'CANCELLED'
  /** With an error, or without having reached its goal. */
  | 'ERROR'
  /** With success. */
  | 'SUCCESS'
  /** It took too long or too many steps. */
  | 'TIMEOUT';

/** What became of one row of a call. */
export type ReceiptStatus =
  /** It was stored before; nothing was written. */
  | 'DUPLICATE'
  /** It cannot be stored; code, reason and path say why. Other rows are not touched by that. */
  | 'REJECTED'
  /** It is stored now, new or changed. */
  | 'STORED';

/** Outcomes to store, of one or several simulations. */
export type RecordOutcomesInput = {
  /** 1 to 1,000 outcomes. */
  outcomes: Array<OutcomeInput>;
};

/** What a token may do. */
export type Role =
  /** Act as a tenant, audited. */
  | 'ADMIN'
  /** Read the tenant’s rows. */
  | 'READONLY'
  /** Read and write the tenant’s rows. */
  | 'USER';

/** A scenario, by its key or by its source’s id. */
export type ScenarioInput = {
  /** How hard it is; MEDIUM when not given. */
  difficultyLevel?: Difficulty | null | undefined;
  /** How long a run should take, in milliseconds. */
  estimatedDurationMs?: number | null | undefined;
  /** The tools that an agent should use. */
  expectedTools?: unknown;
  /** The id that its source has for it: any text up to 500 characters. */
  externalId?: string | null | undefined;
  /** What a right answer is. */
  groundTruth?: unknown;
  /** Whatever else is known. */
  metadata?: Record<string, unknown> | null | undefined;
  /** What people call it, up to 200 characters; its id when not given. */
  name?: string | null | undefined;
  /** Its key: 1 to 100 lower-case letters, digits and _. Derived from externalId when not given. */
  scenarioId?: string | null | undefined;
  /** Where it comes from, e.g. a benchmark. */
  source?: string | null | undefined;
  /** Up to 20 tags. */
  tags?: Array<string> | null | undefined;
  /** What the agent is asked to do, at most 1 MiB. */
  taskPrompt: string;
};

/** Where a simulation is in its life; it only goes forward. */
export type SimulationStatus =
  /** Was stopped on request. */
  | 'CANCELLED'
  /** Went through to its end. */
  | 'COMPLETED'
  /** Broke off. */
  | 'FAILED'
  /** Planned; its first outcome starts it. */
  | 'PENDING'
  /** Under way. */
  | 'RUNNING';

/** A new simulation. */
export type StartSimulationInput = {
  /** The configuration version to run. */
  configVersionId: string;
  /** How often a run may be tried again; 3 when not given. */
  maxRetries?: number | null | undefined;
  /** Whatever should be kept with it. */
  metadata?: Record<string, unknown> | null | undefined;
  /** The Modal app that runs it. */
  modalAppId?: string | null | undefined;
  /** The Modal environment that it runs in; production when not given. */
  modalEnvironment?: string | null | undefined;
  /** What people call it, up to 200 characters. */
  name?: string | null | undefined;
  /** 1 to 10, 10 is the most urgent; 5 when not given. */
  priority?: number | null | undefined;
  /** How often each scenario runs, 1 to 1,000; once when not given. */
  repetitions?: number | null | undefined;
  /** How many sandboxes run side by side; 1 when not given. */
  sandboxInstances?: number | null | undefined;
  /** The keys of the scenarios to run, in order; 1 to 100,000. */
  scenarioIds: Array<string>;
  /** Its key, when the caller wants to choose it. The same call again answers the simulation that is there. */
  simulationId?: string | null | undefined;
  /** Whether it runs from now on; with false it is PENDING until its first outcome. True when not given. */
  start?: boolean | null | undefined;
  /** How long one run may take, in milliseconds; 300,000 when not given. */
  timeoutMs?: number | null | undefined;
};

/** The result of the whole, when the runner knows it better than the sum of the outcomes. */
export type SuiteResultInput = {
  /** Milliseconds it took; the sum of the outcomes when not given. */
  executionTimeMs?: number | null | undefined;
  /** 0 to 1; the mean of the graded runs when not given. */
  overallScore?: number | null | undefined;
  /** What it cost; the sum of the outcomes when not given. */
  totalCostUsd?: number | null | undefined;
};

/** How a run used one tool. */
export type ToolUsageInput = {
  /** Mean milliseconds of a call. */
  avgDurationMs?: number | null | undefined;
  /** How often it was called, at least once. */
  callCount: number;
  /** What its failed calls said. */
  errorTypes?: Array<string> | null | undefined;
  /** Share of the calls that did not fail, 0 to 1. */
  successRate: number;
  /** The tool, up to 100 characters; each only once. */
  toolName: string;
  /** The places of its calls among all tool calls of the run. */
  toolSequence?: unknown;
  /** What its calls cost. */
  totalCostUsd?: number | null | undefined;
};

/** Scenarios to store. */
export type UpsertScenariosInput = {
  /** 1 to 1,000 scenarios. */
  scenarios: Array<ScenarioInput>;
};

export type FindConfigurationQueryVariables = Exact<{
  name: string;
  configHash: string;
}>;


export type FindConfigurationQuery = { configurations: { nodes: Array<{ configId: string, versions: { nodes: Array<{ versionId: string, versionNumber: number, isDeleted: boolean }> } }> } };

export type FindSimulationQueryVariables = Exact<{
  simulationId: string;
}>;


export type FindSimulationQuery = { simulation: { status: SimulationStatus, scenarioSet: Array<string>, configVersion: { versionNumber: number, configuration: { name: string } } } | null };

export type FindScenariosQueryVariables = Exact<{
  scenarioIds: Array<string> | string;
}>;


export type FindScenariosQuery = { scenarios: { nodes: Array<{ scenarioId: string }> } };

export type GreetQueryVariables = Exact<{ [key: string]: never; }>;


export type GreetQuery = { viewer: { tenantId: string, role: Role } };

export type SampleStateQueryVariables = Exact<{
  past: Array<string> | string;
  liveRun: string;
}>;


export type SampleStateQuery = { all: { totalCount: number }, past: { totalCount: number }, liveRuns: { totalCount: number, nodes: Array<{ simulationId: string, status: SimulationStatus }> } };

export type PendingRunsQueryVariables = Exact<{
  simulationId: string;
}>;


export type PendingRunsQuery = { simulation: { runs: { nodes: Array<{ scenarioId: string, repetition: number }> } } | null };

export type CreateConfigurationMutationVariables = Exact<{
  input: CreateConfigurationInput;
}>;


export type CreateConfigurationMutation = { createConfiguration: { configuration: { configId: string } | null, version: { versionId: string, versionNumber: number } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CreateConfigVersionMutationVariables = Exact<{
  input: CreateConfigVersionInput;
}>;


export type CreateConfigVersionMutation = { createConfigVersion: { created: boolean, version: { versionId: string, versionNumber: number } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type UpsertScenariosMutationVariables = Exact<{
  input: UpsertScenariosInput;
}>;


export type UpsertScenariosMutation = { upsertScenarios: { receipts: Array<{ index: number, scenarioId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type StartSimulationMutationVariables = Exact<{
  input: StartSimulationInput;
}>;


export type StartSimulationMutation = { startSimulation: { created: boolean, simulation: { simulationId: string, status: SimulationStatus } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordOutcomesMutationVariables = Exact<{
  input: RecordOutcomesInput;
}>;


export type RecordOutcomesMutation = { recordOutcomes: { storedCount: number, receipts: Array<{ index: number, outcomeId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CompleteSimulationMutationVariables = Exact<{
  input: CompleteSimulationInput;
}>;


export type CompleteSimulationMutation = { completeSimulation: { simulation: { simulationId: string, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, overallScore: number | null, totalTokens: number, totalCostUsd: number } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type FailSimulationMutationVariables = Exact<{
  input: FailSimulationInput;
}>;


export type FailSimulationMutation = { failSimulation: { simulation: { simulationId: string, status: SimulationStatus } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };


export const FindConfigurationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FindConfiguration"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"name"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"configHash"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"configurations"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"1"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"name"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"eq"},"value":{"kind":"Variable","name":{"kind":"Name","value":"name"}}}]}},{"kind":"ObjectField","name":{"kind":"Name","value":"isActive"},"value":{"kind":"BooleanValue","value":true}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"configId"}},{"kind":"Field","name":{"kind":"Name","value":"versions"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"configHash"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"eq"},"value":{"kind":"Variable","name":{"kind":"Name","value":"configHash"}}}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"versionId"}},{"kind":"Field","name":{"kind":"Name","value":"versionNumber"}},{"kind":"Field","name":{"kind":"Name","value":"isDeleted"}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<FindConfigurationQuery, FindConfigurationQueryVariables>;
export const FindSimulationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FindSimulation"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"simulationId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UUID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"simulationId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"simulationId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"scenarioSet"}},{"kind":"Field","name":{"kind":"Name","value":"configVersion"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"versionNumber"}},{"kind":"Field","name":{"kind":"Name","value":"configuration"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]}}]} as unknown as DocumentNode<FindSimulationQuery, FindSimulationQueryVariables>;
export const FindScenariosDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FindScenarios"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"scenarioIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"scenarios"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"500"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"scenarioId"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"in"},"value":{"kind":"Variable","name":{"kind":"Name","value":"scenarioIds"}}}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"scenarioId"}}]}}]}}]}}]} as unknown as DocumentNode<FindScenariosQuery, FindScenariosQueryVariables>;
export const GreetDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Greet"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tenantId"}},{"kind":"Field","name":{"kind":"Name","value":"role"}}]}}]}}]} as unknown as DocumentNode<GreetQuery, GreetQueryVariables>;
export const SampleStateDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"SampleState"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"past"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"liveRun"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"all"},"name":{"kind":"Name","value":"simulations"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"0"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}}]}},{"kind":"Field","alias":{"kind":"Name","value":"past"},"name":{"kind":"Name","value":"simulations"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"0"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"name"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"in"},"value":{"kind":"Variable","name":{"kind":"Name","value":"past"}}}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}}]}},{"kind":"Field","alias":{"kind":"Name","value":"liveRuns"},"name":{"kind":"Name","value":"simulations"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"1"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"name"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"eq"},"value":{"kind":"Variable","name":{"kind":"Name","value":"liveRun"}}}]}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulationId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]}}]} as unknown as DocumentNode<SampleStateQuery, SampleStateQueryVariables>;
export const PendingRunsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PendingRuns"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"simulationId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UUID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"simulationId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"simulationId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"runs"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"500"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"status"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"eq"},"value":{"kind":"EnumValue","value":"PENDING"}}]}}]}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"field"},"value":{"kind":"EnumValue","value":"REPETITION"}},{"kind":"ObjectField","name":{"kind":"Name","value":"direction"},"value":{"kind":"EnumValue","value":"ASC"}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"scenarioId"}},{"kind":"Field","name":{"kind":"Name","value":"repetition"}}]}}]}}]}}]}}]} as unknown as DocumentNode<PendingRunsQuery, PendingRunsQueryVariables>;
export const CreateConfigurationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateConfiguration"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateConfigurationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createConfiguration"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"configuration"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"configId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"version"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"versionId"}},{"kind":"Field","name":{"kind":"Name","value":"versionNumber"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<CreateConfigurationMutation, CreateConfigurationMutationVariables>;
export const CreateConfigVersionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateConfigVersion"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateConfigVersionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createConfigVersion"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"created"}},{"kind":"Field","name":{"kind":"Name","value":"version"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"versionId"}},{"kind":"Field","name":{"kind":"Name","value":"versionNumber"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<CreateConfigVersionMutation, CreateConfigVersionMutationVariables>;
export const UpsertScenariosDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"UpsertScenarios"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UpsertScenariosInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"upsertScenarios"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"receipts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"index"}},{"kind":"Field","name":{"kind":"Name","value":"scenarioId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<UpsertScenariosMutation, UpsertScenariosMutationVariables>;
export const StartSimulationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"StartSimulation"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"StartSimulationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"startSimulation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"created"}},{"kind":"Field","name":{"kind":"Name","value":"simulation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulationId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<StartSimulationMutation, StartSimulationMutationVariables>;
export const RecordOutcomesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RecordOutcomes"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RecordOutcomesInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"recordOutcomes"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"storedCount"}},{"kind":"Field","name":{"kind":"Name","value":"receipts"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"index"}},{"kind":"Field","name":{"kind":"Name","value":"outcomeId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"notes"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<RecordOutcomesMutation, RecordOutcomesMutationVariables>;
export const CompleteSimulationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CompleteSimulation"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CompleteSimulationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"completeSimulation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulationId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"totalScenarios"}},{"kind":"Field","name":{"kind":"Name","value":"completedScenarios"}},{"kind":"Field","name":{"kind":"Name","value":"failedScenarios"}},{"kind":"Field","name":{"kind":"Name","value":"overallScore"}},{"kind":"Field","name":{"kind":"Name","value":"totalTokens"}},{"kind":"Field","name":{"kind":"Name","value":"totalCostUsd"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<CompleteSimulationMutation, CompleteSimulationMutationVariables>;
export const FailSimulationDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"FailSimulation"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"FailSimulationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"failSimulation"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"simulationId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}},{"kind":"Field","name":{"kind":"Name","value":"errors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"path"}}]}}]}}]}}]} as unknown as DocumentNode<FailSimulationMutation, FailSimulationMutationVariables>;