// Made by codegen.ts from src/client/operations.graphql: change that, and run `npm run codegen`.
import type { TypedDocument } from './typedDocument.ts'

/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** What was decided on a diff. */
export type ApprovalStatus =
  /** It was approved. */
  | 'APPROVED'
  /** Nothing yet. */
  | 'PENDING'
  /** It was rejected. */
  | 'REJECTED';

/** Conditions on the value; all that are given have to hold. */
export type ApprovalStatusFilter = {
  /** The value is this one. */
  eq?: ApprovalStatus | null | undefined;
  /** The value is one of these. */
  in?: Array<ApprovalStatus> | null | undefined;
};

/** Which diff is approved. */
export type ApproveConfigDiffInput = {
  /** The diff’s key. */
  diffId: string;
};

/** Which configuration goes out of use. */
export type ArchiveConfigurationInput = {
  /** The configuration’s key. */
  configId: string;
};

/** A simulation to stop. */
export type CancelSimulationInput = {
  /** Why, up to 10,000 characters; more is cut. */
  reason?: string | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** A simulation that went through. */
export type CompleteSimulationInput = {
  /** The result of the whole. */
  result?: SuiteResultInput | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** What happened to a value. */
export type ConfigChangeOp =
  /** It is new. */
  | 'ADD'
  /** It is gone. */
  | 'REMOVE'
  /** It has another value. */
  | 'REPLACE';

/** Which diffs; all conditions have to hold. */
export type ConfigDiffFilter = {
  /** By what was decided. */
  approvalStatus?: ApprovalStatusFilter | null | undefined;
  /** By the configuration’s key. */
  configId?: IdFilter | null | undefined;
  /** By when it was made. */
  createdAt?: DateTimeFilter | null | undefined;
  /** By key. */
  diffId?: IdFilter | null | undefined;
  /** By the key of the version after. */
  versionAfter?: IdFilter | null | undefined;
  /** By the key of the version before. */
  versionBefore?: IdFilter | null | undefined;
};

/** Which versions; all conditions have to hold. */
export type ConfigVersionFilter = {
  /** By the hash of the YAML. */
  configHash?: StringFilter | null | undefined;
  /** By the configuration’s key. */
  configId?: IdFilter | null | undefined;
  /** By when it was made. */
  createdAt?: DateTimeFilter | null | undefined;
  /** By where the YAML comes from. */
  generatedBy?: GeneratedByFilter | null | undefined;
  /** By model. */
  model?: StringFilter | null | undefined;
  /** By any place of the parsed YAML; all have to hold. */
  parsedConfig?: Array<JsonPathFilter> | null | undefined;
  /** By temperature. */
  temperature?: NullableNumberFilter | null | undefined;
  /** By key. */
  versionId?: IdFilter | null | undefined;
  /** By number. */
  versionNumber?: NumberFilter | null | undefined;
};

/** Which configurations; all conditions have to hold. */
export type ConfigurationFilter = {
  /** By key. */
  configId?: IdFilter | null | undefined;
  /** By when it was made. */
  createdAt?: DateTimeFilter | null | undefined;
  /** Active ones or archived ones; both when not given. */
  isActive?: boolean | null | undefined;
  /** By the model of the latest version. */
  model?: StringFilter | null | undefined;
  /** By name. */
  name?: StringFilter | null | undefined;
  /** By when it last changed. */
  updatedAt?: DateTimeFilter | null | undefined;
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

/** What kind of PostgreSQL Arc runs on. */
export type DatabaseEngine =
  /** TimescaleDB without its licensed features: outcomes in a hypertable. */
  | 'APACHE'
  /** PostgreSQL, or the embedded database: outcomes in monthly partitions. */
  | 'PLAIN'
  /** The full TimescaleDB. */
  | 'TIMESCALE';

/** A range of time; all conditions that are given have to hold. */
export type DateTimeFilter = {
  /** Later than this time. */
  gt?: string | Date | null | undefined;
  /** At this time or later. */
  gte?: string | Date | null | undefined;
  /** Earlier than this time. */
  lt?: string | Date | null | undefined;
  /** At this time or earlier. */
  lte?: string | Date | null | undefined;
};

/** How hard a scenario is. */
export type Difficulty =
  /** Easy. */
  | 'EASY'
  /** Hard. */
  | 'HARD'
  /** Medium, also when nobody said. */
  | 'MEDIUM';

/** Conditions on the value; all that are given have to hold. */
export type DifficultyFilter = {
  /** The value is this one. */
  eq?: Difficulty | null | undefined;
  /** The value is one of these. */
  in?: Array<Difficulty> | null | undefined;
};

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
  /** This tenant has no such API key. */
  | 'API_KEY_NOT_FOUND'
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

/** Conditions on the value; all that are given have to hold. */
export type GeneratedByFilter = {
  /** The value is this one. */
  eq?: GeneratedBy | null | undefined;
  /** The value is one of these. */
  in?: Array<GeneratedBy> | null | undefined;
};

/** How the server is. */
export type HealthStatus =
  /** Queries work; live events come by polling, because the LISTEN connection is down. */
  | 'DEGRADED'
  /** Everything works. */
  | 'HEALTHY';

/** Conditions on an identifier; all that are given have to hold. */
export type IdFilter = {
  /** The id is this one. */
  eq?: string | null | undefined;
  /** The id is one of these. */
  in?: Array<string> | null | undefined;
};

/** Conditions on one place of a JSON tree; all that are given have to hold, and a place that is not there fulfils none. Without conditions the place has to be there. */
export type JsonPathFilter = {
  /** It is a text that has this in it, whatever the case. */
  contains?: string | null | undefined;
  /** The value is exactly this one. */
  eq?: unknown;
  /** Whether there is such a place; null counts as there. */
  exists?: boolean | null | undefined;
  /** It is more than this number. */
  gt?: number | null | undefined;
  /** It is this number or more. */
  gte?: number | null | undefined;
  /** The value is one of these. */
  in?: Array<unknown> | null | undefined;
  /** It is less than this number. */
  lt?: number | null | undefined;
  /** It is this number or less. */
  lte?: number | null | undefined;
  /** Where: keys, and indexes of lists from 0, from the outside in, e.g. `["agent", "tools", "0", "name"]`. */
  path: Array<string>;
};

/** Conditions on a value that may be missing; all that are given have to hold. */
export type NullableErrorCategoryFilter = {
  /** The value is this one. */
  eq?: ErrorCategory | null | undefined;
  /** The value is one of these. */
  in?: Array<ErrorCategory> | null | undefined;
  /** Whether it is missing: true finds those without it, false those that have it. */
  isNull?: boolean | null | undefined;
};

/** A range of numbers; all conditions that are given have to hold, and a missing number fits no range. */
export type NullableNumberFilter = {
  /** Exactly this number. */
  eq?: number | null | undefined;
  /** More than this number. */
  gt?: number | null | undefined;
  /** This number or more. */
  gte?: number | null | undefined;
  /** Whether it is missing: true finds those without it, false those that have it. */
  isNull?: boolean | null | undefined;
  /** Less than this number. */
  lt?: number | null | undefined;
  /** This number or less. */
  lte?: number | null | undefined;
};

/** Conditions on a text that may be missing; all that are given have to hold. */
export type NullableStringFilter = {
  /** The text has this in it, whatever the case. */
  contains?: string | null | undefined;
  /** The text is exactly this. */
  eq?: string | null | undefined;
  /** The text is one of these. */
  in?: Array<string> | null | undefined;
  /** Whether it is missing: true finds those without it, false those that have it. */
  isNull?: boolean | null | undefined;
};

/** A range of numbers; all conditions that are given have to hold. */
export type NumberFilter = {
  /** Exactly this number. */
  eq?: number | null | undefined;
  /** More than this number. */
  gt?: number | null | undefined;
  /** This number or more. */
  gte?: number | null | undefined;
  /** Less than this number. */
  lt?: number | null | undefined;
  /** This number or less. */
  lte?: number | null | undefined;
};

/** Which outcomes; all conditions have to hold. */
export type OutcomeFilter = {
  /** By the tokens that came out of the model. */
  completionTokens?: NullableNumberFilter | null | undefined;
  /** By the configuration that was run. */
  configId?: IdFilter | null | undefined;
  /** By the configuration version that was run. */
  configVersionId?: IdFilter | null | undefined;
  /** By cost in US dollars. */
  costUsd?: NullableNumberFilter | null | undefined;
  /** By the scenario’s difficulty. */
  difficultyLevel?: DifficultyFilter | null | undefined;
  /** By kind of fault. */
  errorCategory?: NullableErrorCategoryFilter | null | undefined;
  /** By the error’s code. */
  errorCode?: NullableStringFilter | null | undefined;
  /** By the number of the event that told of them: what is new since an event. */
  eventSeq?: NumberFilter | null | undefined;
  /** By when the run ended. */
  executionTime?: DateTimeFilter | null | undefined;
  /** By how long the run took, in milliseconds. */
  executionTimeMs?: NullableNumberFilter | null | undefined;
  /** By model. */
  model?: NullableStringFilter | null | undefined;
  /** By key. */
  outcomeId?: IdFilter | null | undefined;
  /** By the tokens that went into the model. */
  promptTokens?: NullableNumberFilter | null | undefined;
  /** By when it was stored. */
  recordedAt?: DateTimeFilter | null | undefined;
  /** By score; with isNull those that nobody graded. */
  reliabilityScore?: NullableNumberFilter | null | undefined;
  /** By repetition. */
  repetition?: NumberFilter | null | undefined;
  /** By how many attempts came before. */
  retryCount?: NumberFilter | null | undefined;
  /** By scenario. */
  scenarioId?: StringFilter | null | undefined;
  /** By simulation. */
  simulationId?: IdFilter | null | undefined;
  /** By how the run ended. */
  status?: OutcomeStatusFilter | null | undefined;
  /** By the scenario’s tags. */
  tags?: TagFilter | null | undefined;
  /** By tokens. */
  tokensUsed?: NullableNumberFilter | null | undefined;
};

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

/** Conditions on the value; all that are given have to hold. */
export type OutcomeStatusFilter = {
  /** The value is this one. */
  eq?: OutcomeStatus | null | undefined;
  /** The value is one of these. */
  in?: Array<OutcomeStatus> | null | undefined;
};

/** What became of one row of a call. */
export type ReceiptStatus =
  /** It was stored before; nothing was written. */
  | 'DUPLICATE'
  /** It cannot be stored; code, reason and path say why. Other rows are not touched by that. */
  | 'REJECTED'
  /** It is stored now, new or changed. */
  | 'STORED';

/** One outcome to store. */
export type RecordOutcomeInput = {
  /** The outcome. */
  outcome: OutcomeInput;
};

/** Outcomes to store, of one or several simulations. */
export type RecordOutcomesInput = {
  /** 1 to 1,000 outcomes. */
  outcomes: Array<OutcomeInput>;
};

/** Results as sandboxes report them. */
export type RecordScenarioResultsInput = {
  /** 1 to 1,000 results: {scenario: {id, name, task_prompt}, trajectory: {status, execution_time_seconds, token_usage, …}, reliability_score: {overall_score, dimension_scores}, modal_call_id, sandbox_id, error, error_code}. */
  results: Array<Record<string, unknown>>;
  /** The simulation’s key. */
  simulationId: string;
};

/** Which diff is rejected. */
export type RejectConfigDiffInput = {
  /** The diff’s key. */
  diffId: string;
};

/** Which configuration comes back into use. */
export type RestoreConfigurationInput = {
  /** The configuration’s key. */
  configId: string;
};

/** What a token or an API key may do. */
export type Role =
  /** Read and write as any one tenant, which its audit log shows. */
  | 'ADMIN'
  /** Store results, and see how far simulations are and how each of their runs ended; outcomes can’t be read. */
  | 'INGEST'
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

/** Which version of which configuration. */
export type SetLatestVersionInput = {
  /** The configuration’s key. */
  configId: string;
  /** The key of the version whose YAML is to be the latest. */
  versionId: string;
};

/** What happened to a simulation. */
export type SimulationEventKind =
  /** It was stopped. */
  | 'CANCELLED'
  /** It went through to its end. */
  | 'COMPLETED'
  /** It broke off. */
  | 'FAILED'
  /** Outcomes came in. */
  | 'PROGRESS'
  /** It began. */
  | 'STARTED';

/** Which hours or days; all conditions have to hold. */
export type SimulationPerformanceFilter = {
  /** By when the hour or day begins. */
  bucket?: DateTimeFilter | null | undefined;
  /** By how many of them ended without success. */
  failed?: NumberFilter | null | undefined;
  /** By how many runs ended. */
  outcomes?: NumberFilter | null | undefined;
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

/** Conditions on a text; all that are given have to hold. */
export type StringFilter = {
  /** The text has this in it, whatever the case. */
  contains?: string | null | undefined;
  /** The text is exactly this. */
  eq?: string | null | undefined;
  /** The text is one of these. */
  in?: Array<string> | null | undefined;
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

/** Conditions on a list of tags; all that are given have to hold. */
export type TagFilter = {
  /** All of these tags. */
  hasEvery?: Array<string> | null | undefined;
  /** At least one of these tags. */
  hasSome?: Array<string> | null | undefined;
};

/** How long the steps of a course are. */
export type TimeGrain =
  /** One day (UTC). */
  | 'DAY'
  /** One hour. */
  | 'HOUR';

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

export type DeclinedFragment = { code: ErrorCode, message: string, path: Array<string> };

export type OutcomeReceiptFragment = { index: number, outcomeId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> };

export type SimulationFragment = { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null };

type SimulationProgress_SimulationEvent_Fragment = { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number, totalCostUsd: number, at: string };

type SimulationProgress_SimulationProgress_Fragment = { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number, totalCostUsd: number, at: string };

export type SimulationProgressFragment =
  | SimulationProgress_SimulationEvent_Fragment
  | SimulationProgress_SimulationProgress_Fragment
;

export type ConfigurationFragment = { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string };

export type ConfigVersionFragment = { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string };

export type ConfigDiffFragment = { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> };

export type HealthQueryVariables = Exact<{ [key: string]: never; }>;


export type HealthQuery = { health: { status: HealthStatus, engine: DatabaseEngine, serverVersion: string, outcomeParts: number, listening: boolean, responseTimeMs: number, extensions: Array<{ name: string, version: string }>, hypertables: Array<{ name: string, chunks: number }>, poolStats: { total: number, idle: number, waiting: number } } };

export type MetricsQueryVariables = Exact<{ [key: string]: never; }>;


export type MetricsQuery = { metrics: { totalQueries: number, successRate: number | null, avgQueryTimeMs: number | null } };

export type SimulationStatusQueryVariables = Exact<{
  simulationId: string;
}>;


export type SimulationStatusQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null };

export type SimulationPerformanceQueryVariables = Exact<{
  simulationId: string;
  grain: TimeGrain;
  filter?: SimulationPerformanceFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type SimulationPerformanceQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null, performance: { nodes: Array<{ bucket: string, outcomes: number, succeeded: number, failed: number, meanScore: number | null, tokens: number | null, costUsd: number | null, p50Ms: number | null, p95Ms: number | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type ScenarioOutcomesQueryVariables = Exact<{
  simulationId: string;
  filter?: OutcomeFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
  withTrajectory: boolean;
}>;


export type ScenarioOutcomesQuery = { simulation: { outcomes: { nodes: Array<{ outcomeId: string, simulationId: string, scenarioId: string, repetition: number, retryCount: number, status: OutcomeStatus, executionTime: string, executionTimeMs: number | null, reliabilityScore: number | null, metrics: unknown, model: string | null, promptTokens: number | null, completionTokens: number | null, tokensUsed: number | null, costUsd: number | null, modalCallId: string | null, sandboxId: string | null, errorCode: string | null, errorCategory: ErrorCategory | null, trajectory?: unknown }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type ConfigurationsQueryVariables = Exact<{
  filter?: ConfigurationFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type ConfigurationsQuery = { configurations: { nodes: Array<{ configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string, latestVersion: { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ConfigVersionsQueryVariables = Exact<{
  filter?: ConfigVersionFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type ConfigVersionsQuery = { configVersions: { nodes: Array<{ versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ConfigDiffsQueryVariables = Exact<{
  filter?: ConfigDiffFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type ConfigDiffsQuery = { configDiffs: { nodes: Array<{ diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CompareConfigVersionsQueryVariables = Exact<{
  before: string;
  after: string;
}>;


export type CompareConfigVersionsQuery = { configDiff: { unifiedDiff: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null };

export type FindMadeConfigurationQueryVariables = Exact<{
  configId: string;
}>;


export type FindMadeConfigurationQuery = { configuration: { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string, versions: { nodes: Array<{ versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string }> } } | null };

export type FindConfigurationQueryVariables = Exact<{
  name: string;
  configHash: string;
}>;


export type FindConfigurationQuery = { configurations: { nodes: Array<{ configId: string, versions: { nodes: Array<{ versionId: string, versionNumber: number, isDeleted: boolean }> } }> } };

export type ConfigHistoryQueryVariables = Exact<{
  name: string;
  after?: string | null | undefined;
}>;


export type ConfigHistoryQuery = { configurations: { nodes: Array<{ configId: string, versions: { nodes: Array<{ versionNumber: number, configHash: string }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } }> } };

export type FindSimulationQueryVariables = Exact<{
  simulationId: string;
}>;


export type FindSimulationQuery = { simulation: { status: SimulationStatus, scenarioSet: Array<string>, configVersion: { versionNumber: number, configuration: { name: string } } } | null };

export type FindOutcomesQueryVariables = Exact<{
  outcomeIds: Array<string> | string;
}>;


export type FindOutcomesQuery = { outcomes: { nodes: Array<{ outcomeId: string, simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus } }> } };

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


export type CreateConfigurationMutation = { createConfiguration: { configuration: { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string } | null, version: { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CreateConfigVersionMutationVariables = Exact<{
  input: CreateConfigVersionInput;
}>;


export type CreateConfigVersionMutation = { createConfigVersion: { created: boolean, version: { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type SetLatestVersionMutationVariables = Exact<{
  input: SetLatestVersionInput;
}>;


export type SetLatestVersionMutation = { setLatestVersion: { created: boolean, version: { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type ArchiveConfigurationMutationVariables = Exact<{
  input: ArchiveConfigurationInput;
}>;


export type ArchiveConfigurationMutation = { archiveConfiguration: { configuration: { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RestoreConfigurationMutationVariables = Exact<{
  input: RestoreConfigurationInput;
}>;


export type RestoreConfigurationMutation = { restoreConfiguration: { configuration: { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type ApproveConfigDiffMutationVariables = Exact<{
  input: ApproveConfigDiffInput;
}>;


export type ApproveConfigDiffMutation = { approveConfigDiff: { diff: { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RejectConfigDiffMutationVariables = Exact<{
  input: RejectConfigDiffInput;
}>;


export type RejectConfigDiffMutation = { rejectConfigDiff: { diff: { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type UpsertScenariosMutationVariables = Exact<{
  input: UpsertScenariosInput;
}>;


export type UpsertScenariosMutation = { upsertScenarios: { receipts: Array<{ index: number, scenarioId: string | null, status: ReceiptStatus, revision: number | null, code: ErrorCode | null, reason: string | null, path: Array<string> | null }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type StartSimulationMutationVariables = Exact<{
  input: StartSimulationInput;
}>;


export type StartSimulationMutation = { startSimulation: { created: boolean, simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordOutcomeMutationVariables = Exact<{
  input: RecordOutcomeInput;
}>;


export type RecordOutcomeMutation = { recordOutcome: { receipt: { index: number, outcomeId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordOutcomesMutationVariables = Exact<{
  input: RecordOutcomesInput;
}>;


export type RecordOutcomesMutation = { recordOutcomes: { receipts: Array<{ index: number, outcomeId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordScenarioResultsMutationVariables = Exact<{
  input: RecordScenarioResultsInput;
}>;


export type RecordScenarioResultsMutation = { recordScenarioResults: { receipts: Array<{ index: number, outcomeId: string | null, status: ReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CompleteSimulationMutationVariables = Exact<{
  input: CompleteSimulationInput;
}>;


export type CompleteSimulationMutation = { completeSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type FailSimulationMutationVariables = Exact<{
  input: FailSimulationInput;
}>;


export type FailSimulationMutation = { failSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CancelSimulationMutationVariables = Exact<{
  input: CancelSimulationInput;
}>;


export type CancelSimulationMutation = { cancelSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number, totalCostUsd: number, executionTimeMs: number, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type SimulationProgressSubscriptionVariables = Exact<{
  simulationId: string;
}>;


export type SimulationProgressSubscription = { simulationProgress: { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number, totalCostUsd: number, at: string } };

export type SimulationEventsSubscriptionVariables = Exact<{
  simulationId: string;
  afterSeq: number;
}>;


export type SimulationEventsSubscription = { simulationEvents: { kind: SimulationEventKind, simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number, totalCostUsd: number, at: string } };

export const HealthDocument: TypedDocument<HealthQuery, HealthQueryVariables> =
  "query Health{health{status engine serverVersion extensions{name version}hypertables{name chunks}outcomeParts poolStats{total idle waiting}listening responseTimeMs}}"

export const MetricsDocument: TypedDocument<MetricsQuery, MetricsQueryVariables> =
  "query Metrics{metrics{totalQueries successRate avgQueryTimeMs}}"

export const SimulationStatusDocument: TypedDocument<SimulationStatusQuery, SimulationStatusQueryVariables> =
  "fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}query SimulationStatus($simulationId:UUID!){simulation(simulationId:$simulationId){...Simulation}}"

export const SimulationPerformanceDocument: TypedDocument<SimulationPerformanceQuery, SimulationPerformanceQueryVariables> =
  "fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}query SimulationPerformance($simulationId:UUID!$grain:TimeGrain!$filter:SimulationPerformanceFilter$first:Int!$after:String){simulation(simulationId:$simulationId){...Simulation performance(grain:$grain filter:$filter first:$first after:$after){nodes{bucket outcomes succeeded failed meanScore tokens costUsd p50Ms p95Ms}pageInfo{hasNextPage endCursor}}}}"

export const ScenarioOutcomesDocument: TypedDocument<ScenarioOutcomesQuery, ScenarioOutcomesQueryVariables> =
  "query ScenarioOutcomes($simulationId:UUID!$filter:OutcomeFilter$first:Int!$after:String$withTrajectory:Boolean!){simulation(simulationId:$simulationId){outcomes(first:$first after:$after filter:$filter){nodes{outcomeId simulationId scenarioId repetition retryCount status executionTime executionTimeMs reliabilityScore metrics model promptTokens completionTokens tokensUsed costUsd modalCallId sandboxId errorCode errorCategory trajectory@include(if:$withTrajectory)}pageInfo{hasNextPage endCursor}}}}"

export const ConfigurationsDocument: TypedDocument<ConfigurationsQuery, ConfigurationsQueryVariables> =
  "fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query Configurations($filter:ConfigurationFilter$first:Int!$after:String){configurations(first:$first after:$after filter:$filter){nodes{...Configuration latestVersion{...ConfigVersion}}pageInfo{hasNextPage endCursor}}}"

export const ConfigVersionsDocument: TypedDocument<ConfigVersionsQuery, ConfigVersionsQueryVariables> =
  "fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query ConfigVersions($filter:ConfigVersionFilter$first:Int!$after:String){configVersions(first:$first after:$after filter:$filter){nodes{...ConfigVersion}pageInfo{hasNextPage endCursor}}}"

export const ConfigDiffsDocument: TypedDocument<ConfigDiffsQuery, ConfigDiffsQueryVariables> =
  "fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt createdAt}query ConfigDiffs($filter:ConfigDiffFilter$first:Int!$after:String){configDiffs(first:$first after:$after filter:$filter){nodes{...ConfigDiff}pageInfo{hasNextPage endCursor}}}"

export const CompareConfigVersionsDocument: TypedDocument<CompareConfigVersionsQuery, CompareConfigVersionsQueryVariables> =
  "query CompareConfigVersions($before:UUID!$after:UUID!){configDiff(before:$before after:$after){unifiedDiff changes{op path before after}}}"

export const FindMadeConfigurationDocument: TypedDocument<FindMadeConfigurationQuery, FindMadeConfigurationQueryVariables> =
  "fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query FindMadeConfiguration($configId:UUID!){configuration(configId:$configId){...Configuration versions(last:1){nodes{...ConfigVersion}}}}"

export const FindConfigurationDocument: TypedDocument<FindConfigurationQuery, FindConfigurationQueryVariables> =
  "query FindConfiguration($name:String!$configHash:String!){configurations(first:1 filter:{name:{eq:$name}isActive:true}){nodes{configId versions(first:10 filter:{configHash:{eq:$configHash}}){nodes{versionId versionNumber isDeleted}}}}}"

export const ConfigHistoryDocument: TypedDocument<ConfigHistoryQuery, ConfigHistoryQueryVariables> =
  "query ConfigHistory($name:String!$after:String){configurations(first:1 filter:{name:{eq:$name}isActive:true}){nodes{configId versions(first:500 after:$after orderBy:{field:VERSION_NUMBER direction:ASC}){nodes{versionNumber configHash}pageInfo{hasNextPage endCursor}}}}}"

export const FindSimulationDocument: TypedDocument<FindSimulationQuery, FindSimulationQueryVariables> =
  "query FindSimulation($simulationId:UUID!){simulation(simulationId:$simulationId){status scenarioSet configVersion{versionNumber configuration{name}}}}"

export const FindOutcomesDocument: TypedDocument<FindOutcomesQuery, FindOutcomesQueryVariables> =
  "query FindOutcomes($outcomeIds:[UUID!]!){outcomes(first:500 filter:{outcomeId:{in:$outcomeIds}}){nodes{outcomeId simulation{simulationId simulationName status}}}}"

export const FindScenariosDocument: TypedDocument<FindScenariosQuery, FindScenariosQueryVariables> =
  "query FindScenarios($scenarioIds:[String!]!){scenarios(first:500 filter:{scenarioId:{in:$scenarioIds}}){nodes{scenarioId}}}"

export const GreetDocument: TypedDocument<GreetQuery, GreetQueryVariables> =
  "query Greet{viewer{tenantId role}}"

export const SampleStateDocument: TypedDocument<SampleStateQuery, SampleStateQueryVariables> =
  "query SampleState($past:[String!]!$liveRun:String!){all:simulations(first:0){totalCount}past:simulations(first:0 filter:{simulationName:{in:$past}}){totalCount}liveRuns:simulations(first:1 filter:{simulationName:{eq:$liveRun}}){totalCount nodes{simulationId status}}}"

export const PendingRunsDocument: TypedDocument<PendingRunsQuery, PendingRunsQueryVariables> =
  "query PendingRuns($simulationId:UUID!){simulation(simulationId:$simulationId){runs(first:500 filter:{status:{eq:PENDING}}orderBy:{field:REPETITION direction:ASC}){nodes{scenarioId repetition}}}}"

export const CreateConfigurationDocument: TypedDocument<CreateConfigurationMutation, CreateConfigurationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}mutation CreateConfiguration($input:CreateConfigurationInput!){createConfiguration(input:$input){configuration{...Configuration}version{...ConfigVersion}errors{...Declined}}}"

export const CreateConfigVersionDocument: TypedDocument<CreateConfigVersionMutation, CreateConfigVersionMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}mutation CreateConfigVersion($input:CreateConfigVersionInput!){createConfigVersion(input:$input){created version{...ConfigVersion}errors{...Declined}}}"

export const SetLatestVersionDocument: TypedDocument<SetLatestVersionMutation, SetLatestVersionMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}mutation SetLatestVersion($input:SetLatestVersionInput!){setLatestVersion(input:$input){created version{...ConfigVersion}errors{...Declined}}}"

export const ArchiveConfigurationDocument: TypedDocument<ArchiveConfigurationMutation, ArchiveConfigurationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}mutation ArchiveConfiguration($input:ArchiveConfigurationInput!){archiveConfiguration(input:$input){configuration{...Configuration}errors{...Declined}}}"

export const RestoreConfigurationDocument: TypedDocument<RestoreConfigurationMutation, RestoreConfigurationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}mutation RestoreConfiguration($input:RestoreConfigurationInput!){restoreConfiguration(input:$input){configuration{...Configuration}errors{...Declined}}}"

export const ApproveConfigDiffDocument: TypedDocument<ApproveConfigDiffMutation, ApproveConfigDiffMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt createdAt}mutation ApproveConfigDiff($input:ApproveConfigDiffInput!){approveConfigDiff(input:$input){diff{...ConfigDiff}errors{...Declined}}}"

export const RejectConfigDiffDocument: TypedDocument<RejectConfigDiffMutation, RejectConfigDiffMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt createdAt}mutation RejectConfigDiff($input:RejectConfigDiffInput!){rejectConfigDiff(input:$input){diff{...ConfigDiff}errors{...Declined}}}"

export const UpsertScenariosDocument: TypedDocument<UpsertScenariosMutation, UpsertScenariosMutationVariables> =
  "fragment Declined on MutationError{code message path}mutation UpsertScenarios($input:UpsertScenariosInput!){upsertScenarios(input:$input){receipts{index scenarioId status revision code reason path}errors{...Declined}}}"

export const StartSimulationDocument: TypedDocument<StartSimulationMutation, StartSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation StartSimulation($input:StartSimulationInput!){startSimulation(input:$input){created simulation{...Simulation}errors{...Declined}}}"

export const RecordOutcomeDocument: TypedDocument<RecordOutcomeMutation, RecordOutcomeMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path notes}mutation RecordOutcome($input:RecordOutcomeInput!){recordOutcome(input:$input){receipt{...OutcomeReceipt}errors{...Declined}}}"

export const RecordOutcomesDocument: TypedDocument<RecordOutcomesMutation, RecordOutcomesMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path notes}mutation RecordOutcomes($input:RecordOutcomesInput!){recordOutcomes(input:$input){receipts{...OutcomeReceipt}errors{...Declined}}}"

export const RecordScenarioResultsDocument: TypedDocument<RecordScenarioResultsMutation, RecordScenarioResultsMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path notes}mutation RecordScenarioResults($input:RecordScenarioResultsInput!){recordScenarioResults(input:$input){receipts{...OutcomeReceipt}errors{...Declined}}}"

export const CompleteSimulationDocument: TypedDocument<CompleteSimulationMutation, CompleteSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation CompleteSimulation($input:CompleteSimulationInput!){completeSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const FailSimulationDocument: TypedDocument<FailSimulationMutation, FailSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation FailSimulation($input:FailSimulationInput!){failSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const CancelSimulationDocument: TypedDocument<CancelSimulationMutation, CancelSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation CancelSimulation($input:CancelSimulationInput!){cancelSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const SimulationProgressDocument: TypedDocument<SimulationProgressSubscription, SimulationProgressSubscriptionVariables> =
  "fragment SimulationProgress on ProgressState{simulationId seq status totalScenarios completedScenarios failedScenarios completionPercent currentScore totalTokens totalCostUsd at}subscription SimulationProgress($simulationId:UUID!){simulationProgress(simulationId:$simulationId){...SimulationProgress}}"

export const SimulationEventsDocument: TypedDocument<SimulationEventsSubscription, SimulationEventsSubscriptionVariables> =
  "fragment SimulationProgress on ProgressState{simulationId seq status totalScenarios completedScenarios failedScenarios completionPercent currentScore totalTokens totalCostUsd at}subscription SimulationEvents($simulationId:UUID!$afterSeq:SafeInt!){simulationEvents(simulationId:$simulationId afterSeq:$afterSeq){kind ...SimulationProgress}}"
