// Made by codegen.ts from src/client/operations.graphql: change that, and run `npm run codegen`.
import type { TypedDocument } from './typedDocument.ts'

/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** Why an alert ended. */
export type AlertEndReason =
  /** What its rule watches was deleted. */
  | 'DELETED'
  /** Its rule was disabled. */
  | 'DISABLED'
  /** Its condition holds no longer. */
  | 'RECOVERED';

/** What happened to an alert. */
export type AlertEventKind =
  /** It ended. */
  | 'ENDED'
  /** It fired. */
  | 'FIRED';

/** What an alert rule watches. Deleted simulations count nowhere. */
export type AlertKind =
  /** What all attempts of the present day (UTC) have cost is above the threshold. It ends with the day. */
  | 'COST_PER_DAY'
  /** The share of runs that ended in an error or timed out is above the threshold. Each run counts once, by its last attempt; cancelled runs do not count. */
  | 'ERROR_RATE'
  /** The mean score of graded runs is below the threshold. Runs without a score do not count. */
  | 'SCORE_BELOW'
  /** A simulation runs, or failed because its runner seems to be gone, and no outcome of it was stored for as many minutes as the threshold says. Each simulation has an alert of its own. A rule that is not of one simulation watches those with failWhenSilent. */
  | 'STUCK_RUN';

/** Amendments of stored outcomes, of one or more simulations. */
export type AmendOutcomesInput = {
  /** 1 to 1,000 amendments, each of another outcome. */
  amendments: Array<OutcomeAmendmentInput>;
};

/** The result of one amendment of a call. */
export type AmendmentStatus =
  /** The outcome was changed. */
  | 'AMENDED'
  /** It cannot be applied; see code, reason and path. Other amendments are not affected. */
  | 'REJECTED'
  /** The outcome is stored exactly so, or with more steps of a trajectory that grows; nothing was written. */
  | 'UNCHANGED';

/** The decision on a diff. */
export type ApprovalStatus =
  /** It was approved. */
  | 'APPROVED'
  /** Not decided yet. */
  | 'PENDING'
  /** It was rejected. */
  | 'REJECTED';

/** Conditions on the value; all must match. */
export type ApprovalStatusFilter = {
  /** The value is this one. */
  eq?: ApprovalStatus | null | undefined;
  /** The value is one of these. */
  in?: Array<ApprovalStatus> | null | undefined;
};

/** The diff to approve. */
export type ApproveConfigDiffInput = {
  /** Why, in 1 to 10,000 characters. */
  comment?: string | null | undefined;
  /** The diff’s key. */
  diffId: string;
};

/** The configuration to archive. */
export type ArchiveConfigurationInput = {
  /** The configuration’s key. */
  configId: string;
};

/** A simulation to cancel. */
export type CancelSimulationInput = {
  /** When it ended, in the past but not before it started; now by default. */
  completedAt?: string | Date | null | undefined;
  /** Why; cut after 10,000 characters. */
  reason?: string | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** A metric in which simulations are compared. */
export type ComparedMetric =
  /** US dollars of a run with all its attempts. */
  | 'COST'
  /** A number among the metrics of runs. */
  | 'DIMENSION'
  /** Milliseconds of a run’s last attempt. */
  | 'DURATION'
  /** Scores, 0 to 1. */
  | 'SCORE'
  /** Whether runs succeeded, 0 or 1; its means are the shares. */
  | 'SUCCESS'
  /** Tokens of a run with all its attempts. */
  | 'TOKENS';

/** A simulation to complete. */
export type CompleteSimulationInput = {
  /** When it ended, in the past but not before it started; now by default. */
  completedAt?: string | Date | null | undefined;
  /** The overall result. */
  result?: SuiteResultInput | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** How a value changed. */
export type ConfigChangeOp =
  /** It was added. */
  | 'ADD'
  /** It was removed. */
  | 'REMOVE'
  /** Its value changed. */
  | 'REPLACE';

/** Filters diffs; all conditions must match. */
export type ConfigDiffFilter = {
  /** By decision. */
  approvalStatus?: ApprovalStatusFilter | null | undefined;
  /** By the configuration’s key. */
  configId?: IdFilter | null | undefined;
  /** By creation time. */
  createdAt?: DateTimeFilter | null | undefined;
  /** By key. */
  diffId?: IdFilter | null | undefined;
  /** By the key of the version after. */
  versionAfter?: IdFilter | null | undefined;
  /** By the key of the version before. */
  versionBefore?: IdFilter | null | undefined;
};

/** Filters versions; all conditions must match. */
export type ConfigVersionFilter = {
  /** By the hash of the YAML. */
  configHash?: StringFilter | null | undefined;
  /** By the configuration’s key. */
  configId?: IdFilter | null | undefined;
  /** By creation time. */
  createdAt?: DateTimeFilter | null | undefined;
  /** By origin of the YAML. */
  generatedBy?: GeneratedByFilter | null | undefined;
  /** Whether they were withdrawn; all by default. */
  isDeleted?: boolean | null | undefined;
  /** By model. */
  model?: StringFilter | null | undefined;
  /** By any path in the parsed YAML; all must match. */
  parsedConfig?: Array<JsonPathFilter> | null | undefined;
  /** By temperature. */
  temperature?: NullableNumberFilter | null | undefined;
  /** By key. */
  versionId?: IdFilter | null | undefined;
  /** By number. */
  versionNumber?: NumberFilter | null | undefined;
};

/** Filters configurations; all conditions must match. */
export type ConfigurationFilter = {
  /** By key. */
  configId?: IdFilter | null | undefined;
  /** By creation time. */
  createdAt?: DateTimeFilter | null | undefined;
  /** Whether they are active; all by default. */
  isActive?: boolean | null | undefined;
  /** By the model of the latest version. */
  model?: StringFilter | null | undefined;
  /** By name. */
  name?: StringFilter | null | undefined;
  /** By tags. */
  tags?: TagFilter | null | undefined;
  /** By when it last changed. */
  updatedAt?: DateTimeFilter | null | undefined;
};

/** A configuration’s next version. */
export type CreateConfigVersionInput = {
  /** The configuration’s key. */
  configId: string;
  /** When its source made it, in the past; now by default. */
  createdAt?: string | Date | null | undefined;
  /** Where the YAML comes from; API by default. */
  generatedBy?: GeneratedBy | null | undefined;
  /** The YAML, at most 1 MiB. It must name a model. */
  yaml: string;
};

/** A new configuration. */
export type CreateConfigurationInput = {
  /** Its key, if the caller chooses it. */
  configId?: string | null | undefined;
  /** When its source made it, in the past; now by default. */
  createdAt?: string | Date | null | undefined;
  /** Up to 10,000 characters. */
  description?: string | null | undefined;
  /** Where the YAML comes from; API by default. */
  generatedBy?: GeneratedBy | null | undefined;
  /** The Modal app that runs it. */
  modalAppId?: string | null | undefined;
  /** 3 to 100 characters, unique among the tenant’s active configurations. */
  name: string;
  /** Up to 20 tags. */
  tags?: Array<string> | null | undefined;
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

/** A range of time; all conditions must match. One that ends before it begins is refused. */
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
  /** Medium, the default. */
  | 'MEDIUM';

/** Conditions on the value; all must match. */
export type DifficultyFilter = {
  /** The value is this one. */
  eq?: Difficulty | null | undefined;
  /** The value is one of these. */
  in?: Array<Difficulty> | null | undefined;
};

/** A vector of exactly one thing. It is stored with length 1, and in 16-bit floats. */
export type EmbeddingInput = {
  /** An outcome: the vector is of its trajectory. */
  outcomeId?: string | null | undefined;
  /** A failure, by one of its patterns: the vector is that of its signature. */
  patternId?: string | null | undefined;
  /** A scenario. */
  scenarioId?: string | null | undefined;
  /** A failure, by its signature. */
  signature?: string | null | undefined;
  /** Its 1536 numbers. Shorter ones of a model are filled up with zeros, which change no distance. */
  vector?: Array<number> | null | undefined;
  /** The same numbers as 1536 32-bit floats, little-endian, in base64: 8 KB instead of some 30. */
  vectorBase64?: string | null | undefined;
  /** A configuration version. */
  versionId?: string | null | undefined;
};

/** The result of one vector of a call. */
export type EmbeddingStatus =
  /** It cannot be stored; see code, reason and path. Other vectors are not affected. */
  | 'REJECTED'
  /** It took the place of another one of this model. */
  | 'REPLACED'
  /** There was none of this model: it was stored. */
  | 'STORED'
  /** The same was stored already, as far as 16-bit floats tell; nothing was written. */
  | 'UNCHANGED';

/** The kind of error. */
export type ErrorCategory =
  /** The model returned nothing usable: refusal, rate limit, malformed call. */
  | 'MODEL_ERROR'
  /** The sandbox failed. */
  | 'SANDBOX_ERROR'
  /** The infrastructure failed. */
  | 'SYSTEM_ERROR'
  /** It took too long. */
  | 'TIMEOUT'
  /** A tool or function call failed. */
  | 'TOOL_ERROR'
  /** Unknown. */
  | 'UNKNOWN'
  /** The result was not as expected. */
  | 'VALIDATION_ERROR';

/** All error codes: in payload errors, in receipts, and as `extensions.code` of top-level errors. */
export type ErrorCode =
  /** This tenant has no such alert rule. */
  | 'ALERT_RULE_NOT_FOUND'
  /** This tenant has no such API key. */
  | 'API_KEY_NOT_FOUND'
  /** Another outcome was recorded for this scenario, repetition and attempt: send a higher retryCount to replace it. */
  | 'ATTEMPT_ALREADY_RECORDED'
  /** The request is not a GraphQL request: malformed JSON, an unknown operation, a wrong content type. */
  | 'BAD_REQUEST'
  /** A variable or argument has the wrong type or form. */
  | 'BAD_USER_INPUT'
  /** The configuration is archived: restore it first. */
  | 'CONFIGURATION_ARCHIVED'
  /** The configuration is deleted: take that back first with `undelete`. */
  | 'CONFIGURATION_DELETED'
  /** This tenant has no such configuration. */
  | 'CONFIGURATION_NOT_FOUND'
  /** The diff was already decided the other way. */
  | 'CONFIG_DIFF_DECIDED'
  /** This tenant has no such diff. */
  | 'CONFIG_DIFF_NOT_FOUND'
  /** This tenant has no such configuration version. */
  | 'CONFIG_VERSION_NOT_FOUND'
  /** The version was withdrawn: nothing new may run it. */
  | 'CONFIG_VERSION_WITHDRAWN'
  /** An outcome with this id is stored, and differs from what was sent: see `differences`. */
  | 'CONFLICT'
  /** Another transaction interfered and nothing was stored: send the same request again. */
  | 'CONFLICT_RETRY'
  /** The cursor does not belong to this connection and order. */
  | 'CURSOR_INVALID'
  /** What was deleted is being deleted for good. */
  | 'DELETION_FINAL'
  /** This tenant has no such deletion. */
  | 'DELETION_NOT_FOUND'
  /** This tenant has no such failure. */
  | 'FAILURE_NOT_FOUND'
  /** The token is valid, but its role may not do this. */
  | 'FORBIDDEN'
  /** The document is not GraphQL. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not match the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** A server error. The log has all of it under the request id. */
  | 'INTERNAL_SERVER_ERROR'
  /** A value is outside what its field allows. */
  | 'INVALID_VALUE'
  /** The request exceeds a limit of this server; the message names it. */
  | 'LIMIT_EXCEEDED'
  /** The configuration names no model. */
  | 'MODEL_MISSING'
  /** Another active configuration of this tenant has the name. */
  | 'NAME_TAKEN'
  /** This tenant has no such note. */
  | 'NOTE_NOT_FOUND'
  /** The outcome id belongs to an outcome of another simulation. */
  | 'OUTCOME_ID_TAKEN'
  /** This tenant has no such outcome. */
  | 'OUTCOME_NOT_FOUND'
  /** The server has no trusted document with this hash. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** The server runs trusted documents only: send the hash of one. */
  | 'PERSISTED_QUERY_ONLY'
  /** Too many requests in a short time; the message and the header Retry-After state when to retry. */
  | 'RATE_LIMITED'
  /** The recommendation was already applied. */
  | 'RECOMMENDATION_APPLIED'
  /** The recommendation is dismissed. */
  | 'RECOMMENDATION_DISMISSED'
  /** This tenant has no such recommendation. */
  | 'RECOMMENDATION_NOT_FOUND'
  /** The recommendation is out of date: newer evidence says something else, or the latest version no longer is what it was made for. */
  | 'RECOMMENDATION_STALE'
  /** The repetition is not between 1 and the repetitions of the simulation. */
  | 'REPETITION_OUT_OF_RANGE'
  /** The attempt is beyond the retries that the simulation allows. */
  | 'RETRIES_EXCEEDED'
  /** The scenario is deleted: take that back first with `undelete`. */
  | 'SCENARIO_DELETED'
  /** Simulations run the scenario, so that it cannot be deleted. */
  | 'SCENARIO_IN_USE'
  /** This tenant has no such scenario. */
  | 'SCENARIO_NOT_FOUND'
  /** The simulation does not run this scenario. */
  | 'SCENARIO_NOT_IN_SIMULATION'
  /** The simulation is deleted: take that back first with `undelete`. */
  | 'SIMULATION_DELETED'
  /** The simulation is completed, failed or cancelled and accepts nothing more. */
  | 'SIMULATION_ENDED'
  /** The tenant has another simulation under this id. */
  | 'SIMULATION_ID_TAKEN'
  /** This tenant has no such simulation. */
  | 'SIMULATION_NOT_FOUND'
  /** This tenant has nothing of that kind under that key. */
  | 'SOURCE_NOT_FOUND'
  /** The time is more than five minutes ahead of the database clock. */
  | 'TIME_IN_FUTURE'
  /** A string, document or tree is larger than allowed. */
  | 'TOO_LARGE'
  /** More rows in one call than allowed. */
  | 'TOO_MANY_ROWS'
  /** The request has no valid token. */
  | 'UNAUTHENTICATED'
  /** The database or the identity provider cannot be reached or did not answer in time: try again. What failed during its commit may have been stored. */
  | 'UNAVAILABLE'
  /** The configuration is not valid YAML, or not a mapping. */
  | 'YAML_INVALID';

/** What a simulation turns out to have besides. */
export type ExtendSimulationInput = {
  /** Custom data that replaces its own. */
  metadata?: Record<string, unknown> | null | undefined;
  /** Whether a simulation that has completed is RUNNING again, unless its result was given with its end. False by default. */
  reopen?: boolean | null | undefined;
  /** How often each scenario runs, if that is more than before; up to 1,000. */
  repetitions?: number | null | undefined;
  /** Keys of scenarios to add, in order; those that it has already stay. */
  scenarioIds?: Array<string> | null | undefined;
  /** Its key. */
  simulationId: string;
};

/** A simulation that failed. */
export type FailSimulationInput = {
  /** When it ended, in the past but not before it started; now by default. */
  completedAt?: string | Date | null | undefined;
  /** Why; cut after 10,000 characters. */
  errorMessage: string;
  /** Its key. */
  simulationId: string;
};

/** One failure in a run. */
export type FailurePatternInput = {
  /** Its message, up to 10,000 characters. */
  errorMessage?: string | null | undefined;
  /** The kind of error; that of the outcome by default. */
  failureCategory?: ErrorCategory | null | undefined;
  /** Its type, up to 100 characters. */
  failureType: string;
  /** Whether the agent tried to recover. */
  recoveryAttempted?: boolean | null | undefined;
  /** Whether it recovered. */
  recoverySuccessful?: boolean | null | undefined;
  /** How to fix it. */
  resolutionSteps?: string | null | undefined;
};

/** What a candidate has to fulfil. */
export type GateRule =
  /** Runs cost no more than that much more. */
  | 'COST_INCREASE'
  /** Runs take no more than that much longer. */
  | 'DURATION_INCREASE'
  /** Both simulations are completed. It is named where they are not. */
  | 'ENDED'
  /** No run fails for a kind of reason that the baseline does not know. */
  | 'NEW_FAILURE_CATEGORIES'
  /** No scenario that is watched went worse. */
  | 'REGRESSED_SCENARIOS'
  /** Each of these has enough repetitions on both sides. */
  | 'REPETITIONS'
  /** Both have runs of enough scenarios. */
  | 'SCENARIOS'
  /** The score is worse by less than the margin. */
  | 'SCORE_DROP'
  /** Success is worse by less than the margin. */
  | 'SUCCESS_DROP'
  /** Enough of the candidate’s runs succeed. */
  | 'SUCCESS_RATE'
  /** Runs take no more than that much more tokens. */
  | 'TOKENS_INCREASE';

/** What a candidate has to fulfil; all of it. */
export type GateRulesInput = {
  /** Mean cost rises by no more than this share of the baseline’s; null: not asked. */
  costIncrease?: number | null | undefined;
  /** Mean duration rises by no more than this share of the baseline’s; null: not asked. */
  durationIncrease?: number | null | undefined;
  /** What becomes of it when the runs do not tell. */
  insufficientData?: InsufficientDataRule;
  /** Each of these has so many repetitions on both sides; null: not asked. */
  minRepetitions?: number | null | undefined;
  /** Both have runs of so many scenarios; null: not asked. */
  minScenarios?: number | null | undefined;
  /** So large a share of the candidate’s runs succeeds, 0 to 1; null: not asked. */
  minSuccessRate?: number | null | undefined;
  /** No run fails for a kind of reason that no run of the baseline fails for. */
  noNewFailureCategories?: boolean;
  /** None of these scenarios goes worse; null: not asked. */
  regressedScenarios?: NoRegressedScenarios | null | undefined;
  /** The mean score drops by less than this, likewise; not asked either where no run has a score; null: not asked. */
  scoreDrop?: number | null | undefined;
  /** The share of runs that succeed drops by less than this, shown at 95 %; more than 0, and at most 1; null: not asked. */
  successDrop?: number | null | undefined;
  /** Mean tokens rise by no more than this share of the baseline’s; null: not asked. */
  tokensIncrease?: number | null | undefined;
};

/** What became of a rule. */
export type GateStatus =
  /** It is not. */
  | 'FAILED'
  /** The runs do not tell. */
  | 'INSUFFICIENT_DATA'
  /** It is fulfilled. */
  | 'PASSED';

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

/** Conditions on the value; all must match. */
export type GeneratedByFilter = {
  /** The value is this one. */
  eq?: GeneratedBy | null | undefined;
  /** The value is one of these. */
  in?: Array<GeneratedBy> | null | undefined;
};

/** The server’s status. */
export type HealthStatus =
  /** Queries and mutations work, and something else does not: see `problems`. */
  | 'DEGRADED'
  /** Everything works. */
  | 'HEALTHY'
  /** The database does not answer. What is known of it only by asking it is null. */
  | 'UNAVAILABLE';

/** What goes on. */
export type HeartbeatInput = {
  /** Which repetition of the scenario, from 1; the first by default. */
  repetition?: number | null | undefined;
  /** The scenario’s key, if one run says it; its run is RUNNING then. */
  scenarioId?: string | null | undefined;
  /** The simulation’s key. */
  simulationId: string;
};

/** Conditions on an identifier; all must match. */
export type IdFilter = {
  /** The id is this one. */
  eq?: string | null | undefined;
  /** The id is one of these. */
  in?: Array<string> | null | undefined;
};

/** What becomes of a gate when the runs do not tell. */
export type InsufficientDataRule =
  /** It does not pass. */
  | 'FAIL'
  /** It passes all the same. */
  | 'PASS';

/** Conditions on one path of a JSON tree; all must match, and a missing path matches none. Without conditions the path must exist. */
export type JsonPathFilter = {
  /** It is a string that contains this, ignoring case. */
  contains?: string | null | undefined;
  /** The value is exactly this one. */
  eq?: unknown;
  /** Whether the path exists; null counts as existing. */
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
  /** The path: keys, and list indexes from 0, outermost first, e.g. `["agent", "tools", "0", "name"]`. */
  path: Array<string>;
};

/** Which scenarios may not go worse; all, where nothing is said. */
export type NoRegressedScenarios = {
  /** These, by key. */
  scenarioIds?: Array<string> | null | undefined;
  /** Those that have one of these tags. */
  tags?: Array<string> | null | undefined;
  /** Shares of runs and mean scores (0 to 1) that differ by no more count as equal. */
  tolerance?: number;
};

/** A range of time; all conditions must match, and a missing time matches no range. One that ends before it begins is refused. */
export type NullableDateTimeFilter = {
  /** Later than this time. */
  gt?: string | Date | null | undefined;
  /** At this time or later. */
  gte?: string | Date | null | undefined;
  /** Whether it is missing: true finds rows without it, false rows with it. */
  isNull?: boolean | null | undefined;
  /** Earlier than this time. */
  lt?: string | Date | null | undefined;
  /** At this time or earlier. */
  lte?: string | Date | null | undefined;
};

/** Conditions on a value that may be missing; all must match. */
export type NullableErrorCategoryFilter = {
  /** The value is this one. */
  eq?: ErrorCategory | null | undefined;
  /** The value is one of these. */
  in?: Array<ErrorCategory> | null | undefined;
  /** Whether it is missing: true finds rows without it, false rows with it. */
  isNull?: boolean | null | undefined;
};

/** A range of numbers; all conditions must match, and a missing number matches no range. One that ends before it begins is refused. */
export type NullableNumberFilter = {
  /** Exactly this number. */
  eq?: number | null | undefined;
  /** More than this number. */
  gt?: number | null | undefined;
  /** This number or more. */
  gte?: number | null | undefined;
  /** Whether it is missing: true finds rows without it, false rows with it. */
  isNull?: boolean | null | undefined;
  /** Less than this number. */
  lt?: number | null | undefined;
  /** This number or less. */
  lte?: number | null | undefined;
};

/** Conditions on a string that may be missing; all must match. */
export type NullableStringFilter = {
  /** The string contains this, ignoring case. */
  contains?: string | null | undefined;
  /** The string is exactly this. */
  eq?: string | null | undefined;
  /** The string is one of these. */
  in?: Array<string> | null | undefined;
  /** Whether it is missing: true finds rows without it, false rows with it. */
  isNull?: boolean | null | undefined;
};

/** A range of numbers; all conditions must match. One that ends before it begins is refused. */
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

/** What was found out about a stored outcome. What is left out stays as it is. */
export type OutcomeAmendmentInput = {
  /** Further metrics beside those stored, in place of those of the same names. */
  addMetrics?: Record<string, unknown> | null | undefined;
  /** Output tokens of the model. */
  completionTokens?: number | null | undefined;
  /** What the run cost. */
  costUsd?: number | null | undefined;
  /** Why it failed, in words: becomes its failure pattern; null takes its failure patterns back. */
  error?: string | null | undefined;
  /** The kind of error; derived from a given status and error by default. */
  errorCategory?: ErrorCategory | null | undefined;
  /** The error’s code, up to 200 characters; null removes it. */
  errorCode?: string | null | undefined;
  /** How long the run took, in milliseconds; rounded. */
  executionTimeMs?: number | null | undefined;
  /** All its failures, in place of those stored. */
  failurePatterns?: Array<FailurePatternInput> | null | undefined;
  /** All further metrics, in place of those stored. */
  metrics?: Record<string, unknown> | null | undefined;
  /** The model that ran, up to 200 characters. */
  model?: string | null | undefined;
  /** The outcome’s key. */
  outcomeId: string;
  /** Input tokens of the model. */
  promptTokens?: number | null | undefined;
  /** 0 to 1; null takes a grade back. */
  reliabilityScore?: number | null | undefined;
  /** How the run ended. It replaces the error and the failure patterns as well. */
  status?: OutcomeStatus | null | undefined;
  /** Total tokens; by default the sum of input and output if given. */
  tokensUsed?: number | null | undefined;
  /** All tools used, in place of those stored. */
  toolUsage?: Array<ToolUsageInput> | null | undefined;
  /** Everything the agent did, in place of what is stored: of a run that went on. Its tools are counted anew unless toolUsage is given. */
  trajectory?: unknown;
  /** Whether the run goes on while it is stored: an amendment whose trajectory has fewer steps than the stored one is an older copy of it and changes nothing. False by default. */
  trajectoryGrows?: boolean | null | undefined;
};

/** Filters outcomes; all conditions must match. */
export type OutcomeFilter = {
  /** By output tokens. */
  completionTokens?: NullableNumberFilter | null | undefined;
  /** By the configuration that was run. */
  configId?: IdFilter | null | undefined;
  /** By the configuration version that was run. */
  configVersionId?: IdFilter | null | undefined;
  /** By cost in US dollars. */
  costUsd?: NullableNumberFilter | null | undefined;
  /** By the scenario’s difficulty. */
  difficultyLevel?: DifficultyFilter | null | undefined;
  /** By kind of error. */
  errorCategory?: NullableErrorCategoryFilter | null | undefined;
  /** By the error’s code. */
  errorCode?: NullableStringFilter | null | undefined;
  /** By the number of the event that reported them: what is new since an event. */
  eventSeq?: NumberFilter | null | undefined;
  /** By when the run ended. */
  executionTime?: DateTimeFilter | null | undefined;
  /** By how long the run took, in milliseconds. */
  executionTimeMs?: NullableNumberFilter | null | undefined;
  /** By the Modal call. */
  modalCallId?: NullableStringFilter | null | undefined;
  /** By model. */
  model?: NullableStringFilter | null | undefined;
  /** By key. */
  outcomeId?: IdFilter | null | undefined;
  /** By input tokens. */
  promptTokens?: NullableNumberFilter | null | undefined;
  /** By when it was stored. */
  recordedAt?: DateTimeFilter | null | undefined;
  /** By score; isNull finds those not graded. */
  reliabilityScore?: NullableNumberFilter | null | undefined;
  /** By repetition. */
  repetition?: NumberFilter | null | undefined;
  /** By how many attempts came before. */
  retryCount?: NumberFilter | null | undefined;
  /** By the sandbox. */
  sandboxId?: NullableStringFilter | null | undefined;
  /** By scenario. */
  scenarioId?: StringFilter | null | undefined;
  /** By simulation. */
  simulationId?: IdFilter | null | undefined;
  /** By how the run ended. */
  status?: OutcomeStatusFilter | null | undefined;
  /** By how many steps or messages its trajectory has. */
  stepCount?: NumberFilter | null | undefined;
  /** Whether a later attempt is stored: false finds one outcome for each run. All by default. */
  superseded?: boolean | null | undefined;
  /** By the scenario’s tags. */
  tags?: TagFilter | null | undefined;
  /** By tokens. */
  tokensUsed?: NullableNumberFilter | null | undefined;
};

/** The result of one run. */
export type OutcomeInput = {
  /** Output tokens of the model. */
  completionTokens?: number | null | undefined;
  /** What the run cost. */
  costUsd?: number | null | undefined;
  /** Why it failed, in words: becomes a failure pattern. */
  error?: string | null | undefined;
  /** The kind of error; derived from the error by default. */
  errorCategory?: ErrorCategory | null | undefined;
  /** The error’s code, up to 200 characters. */
  errorCode?: string | null | undefined;
  /** When the run ended; now by default. At most five minutes ahead. */
  executionTime?: string | Date | null | undefined;
  /** How long the run took, in milliseconds; rounded. */
  executionTimeMs?: number | null | undefined;
  /** Its failures; derived from the error by default. */
  failurePatterns?: Array<FailurePatternInput> | null | undefined;
  /** Further metrics. */
  metrics?: Record<string, unknown> | null | undefined;
  /** The Modal call that it ran in. */
  modalCallId?: string | null | undefined;
  /** The model that ran, up to 200 characters; that of the configuration version by default. */
  model?: string | null | undefined;
  /** Its key; by default that of the last attempt of its run, if it is that one, else derived from simulation, scenario, repetition and attempt, so that a row sent again is stored once. Another outcome under the key is a CONFLICT. */
  outcomeId?: string | null | undefined;
  /** Input tokens of the model. */
  promptTokens?: number | null | undefined;
  /** 0 to 1; omit it if the run was not graded. */
  reliabilityScore?: number | null | undefined;
  /** Which repetition, from 1; by default that of an equal outcome already stored, else the first whose run lacks this attempt. */
  repetition?: number | null | undefined;
  /** How many attempts came before; 0 by default, at most the simulation’s maxRetries. The run shows its latest attempt. */
  retryCount?: number | null | undefined;
  /** The sandbox that it ran in. */
  sandboxId?: string | null | undefined;
  /** The scenario’s key, or its source’s id. */
  scenarioId: string;
  /** The simulation’s key. */
  simulationId: string;
  /** How the run ended. */
  status: OutcomeStatus;
  /** Total tokens; by default the sum of input and output. */
  tokensUsed?: number | null | undefined;
  /** The tools used; read from the trajectory by default. */
  toolUsage?: Array<ToolUsageInput> | null | undefined;
  /** Everything the agent did, as any JSON; start_time and status are added if missing. */
  trajectory?: unknown;
};

/** The result of one outcome of a call. */
export type OutcomeReceiptStatus =
  /** Another outcome is stored under its id; nothing was written. amendOutcomes changes a stored outcome. */
  | 'CONFLICT'
  /** An equal one was already stored; nothing was written. */
  | 'DUPLICATE'
  /** It cannot be stored; see code, reason and path. Other rows are not affected. */
  | 'REJECTED'
  /** It was stored. */
  | 'STORED';

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

/** Conditions on the value; all must match. */
export type OutcomeStatusFilter = {
  /** The value is this one. */
  eq?: OutcomeStatus | null | undefined;
  /** The value is one of these. */
  in?: Array<OutcomeStatus> | null | undefined;
};

/** What runs are told apart by. */
export type PerformanceBy =
  /** The configuration. */
  | 'CONFIGURATION'
  /** The configuration version. */
  | 'CONFIG_VERSION'
  /** The model. */
  | 'MODEL'
  /** The scenario. */
  | 'SCENARIO'
  /** How they ended; only runs are known of it. */
  | 'STATUS';

/** Filters what is summed up; all conditions must match. */
export type PerformanceFilter = {
  /** By the configuration that was run. */
  configId?: IdFilter | null | undefined;
  /** By the configuration version that was run. */
  configVersionId?: IdFilter | null | undefined;
  /** By model; the empty one is that which is not known. */
  model?: StringFilter | null | undefined;
  /** By scenario. */
  scenarioId?: StringFilter | null | undefined;
  /** By simulation. */
  simulationId?: IdFilter | null | undefined;
};

/** A range of time. It is widened to whole buckets. */
export type PerformanceRange = {
  /** Where it begins; 30 days before its end by default, for a simulation with its first run. */
  from?: string | Date | null | undefined;
  /** The time before which it ends; now by default, for a simulation behind its last run. */
  to?: string | Date | null | undefined;
};

/** The result of one row of a call. */
export type ReceiptStatus =
  /** It was already stored; nothing was written. */
  | 'DUPLICATE'
  /** It cannot be stored; see code, reason and path. Other rows are not affected. */
  | 'REJECTED'
  /** It was stored, new or changed. */
  | 'STORED';

/** Vectors of one model. */
export type RecordEmbeddingsInput = {
  /** 1 to 500 vectors. */
  embeddings: Array<EmbeddingInput>;
  /** Who made them, up to 200 characters: only vectors of equal names are compared. Names that begin with minilm: or openai: are those of the server’s own. */
  model: string;
};

/** One outcome to store. */
export type RecordOutcomeInput = {
  /** The outcome. */
  outcome: OutcomeInput;
};

/** Outcomes to store, of one or more simulations. */
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

/** The diff to reject. */
export type RejectConfigDiffInput = {
  /** Why, in 1 to 10,000 characters. */
  comment?: string | null | undefined;
  /** The diff’s key. */
  diffId: string;
};

/** The configuration to restore. */
export type RestoreConfigurationInput = {
  /** The configuration’s key. */
  configId: string;
};

/** What a token or an API key may do. */
export type Role =
  /** Read and write as any one tenant, recorded in its audit log. */
  | 'ADMIN'
  /** Store results, and read the progress of simulations and how each run ended; outcomes can’t be read. */
  | 'INGEST'
  /** Read the tenant’s rows. */
  | 'READONLY'
  /** Read and write the tenant’s rows. */
  | 'USER';

/** A scenario, by its key or by its source’s id. Of one that is stored, what is left out stays; null removes it. */
export type ScenarioInput = {
  /** When its source made it, in the past; now by default. Counts for a new scenario only. */
  createdAt?: string | Date | null | undefined;
  /** How hard it is; MEDIUM by default. */
  difficultyLevel?: Difficulty | null | undefined;
  /** How long a run should take, in milliseconds. */
  estimatedDurationMs?: number | null | undefined;
  /** The tools that an agent should use. */
  expectedTools?: unknown;
  /** Its id in its source: any string up to 500 characters. */
  externalId?: string | null | undefined;
  /** The expected answer. */
  groundTruth?: unknown;
  /** Whether it is in use; true by default. */
  isActive?: boolean | null | undefined;
  /** Any further data. */
  metadata?: Record<string, unknown> | null | undefined;
  /** Its display name, up to 200 characters; its id by default. */
  name?: string | null | undefined;
  /** Its key: 1 to 100 lower-case letters, digits and _. Derived from externalId by default. */
  scenarioId?: string | null | undefined;
  /** Where it comes from, e.g. a benchmark. */
  source?: string | null | undefined;
  /** Up to 20 tags. */
  tags?: Array<string> | null | undefined;
  /** What the agent is asked to do, at most 1 MiB. A new scenario needs one. */
  taskPrompt?: string | null | undefined;
};

/** The version to go back to. */
export type SetLatestVersionInput = {
  /** The configuration’s key. */
  configId: string;
  /** The key of the version whose YAML becomes the latest. */
  versionId: string;
};

/** What happened to a simulation. */
export type SimulationEventKind =
  /** Outcomes were amended after it had ended. */
  | 'AMENDED'
  /** It was stopped. */
  | 'CANCELLED'
  /** It ran to completion. */
  | 'COMPLETED'
  /** It was deleted. */
  | 'DELETED'
  /** It failed. */
  | 'FAILED'
  /** Outcomes were stored or amended, or runs were added. */
  | 'PROGRESS'
  /** Its deletion was taken back. */
  | 'RESTORED'
  /** It started, or was reopened. */
  | 'STARTED';

/** Filters simulations; all conditions must match. */
export type SimulationFilter = {
  /** By when they ended. */
  completedAt?: NullableDateTimeFilter | null | undefined;
  /** By the key of the configuration that they run. */
  configId?: IdFilter | null | undefined;
  /** By the key of the version that they run. */
  configVersionId?: IdFilter | null | undefined;
  /** By when they were planned. */
  createdAt?: DateTimeFilter | null | undefined;
  /** By the total milliseconds of their runs. */
  executionTimeMs?: NullableNumberFilter | null | undefined;
  /** By when the first of their runs ended. */
  firstOutcomeAt?: NullableDateTimeFilter | null | undefined;
  /** By when the last of their runs ended. */
  lastOutcomeAt?: NullableDateTimeFilter | null | undefined;
  /** By any path in their custom data; all must match. */
  metadata?: Array<JsonPathFilter> | null | undefined;
  /** By the model of the version that they run. */
  model?: StringFilter | null | undefined;
  /** By overall score. */
  overallScore?: NullableNumberFilter | null | undefined;
  /** By priority. */
  priority?: NumberFilter | null | undefined;
  /** Whether they failed because their runner was silent for too long. */
  runnerLost?: boolean | null | undefined;
  /** By scenario: those that run a matching one. */
  scenarioId?: StringFilter | null | undefined;
  /** By key. */
  simulationId?: IdFilter | null | undefined;
  /** By name. */
  simulationName?: NullableStringFilter | null | undefined;
  /** By when they started. */
  startedAt?: NullableDateTimeFilter | null | undefined;
  /** By status. */
  status?: SimulationStatusFilter | null | undefined;
  /** By tags. */
  tags?: TagFilter | null | undefined;
  /** By cost in US dollars. */
  totalCostUsd?: NullableNumberFilter | null | undefined;
  /** By the tokens of all their outcomes. */
  totalTokens?: NullableNumberFilter | null | undefined;
};

/** The status of a simulation; it only moves forward. */
export type SimulationStatus =
  /** Was stopped on request. */
  | 'CANCELLED'
  /** Ran to completion. */
  | 'COMPLETED'
  /** Failed. */
  | 'FAILED'
  /** Planned; its first outcome starts it. */
  | 'PENDING'
  /** Running. */
  | 'RUNNING';

/** Conditions on the value; all must match. */
export type SimulationStatusFilter = {
  /** The value is this one. */
  eq?: SimulationStatus | null | undefined;
  /** The value is one of these. */
  in?: Array<SimulationStatus> | null | undefined;
};

/** A new simulation. */
export type StartSimulationInput = {
  /** The configuration version to run. */
  configVersionId: string;
  /** When it was planned, in the past; startedAt by default, else now. */
  createdAt?: string | Date | null | undefined;
  /** Up to 10,000 characters. */
  description?: string | null | undefined;
  /** Whether it fails when neither an outcome nor a heartbeat came for timeoutMs: its runner is gone then. True by default. */
  failWhenSilent?: boolean | null | undefined;
  /** How often a run may be retried; 3 by default. */
  maxRetries?: number | null | undefined;
  /** Custom data to store with it. */
  metadata?: Record<string, unknown> | null | undefined;
  /** The Modal app that runs it. */
  modalAppId?: string | null | undefined;
  /** The Modal environment that it runs in; production by default. */
  modalEnvironment?: string | null | undefined;
  /** Its display name, up to 200 characters. */
  name?: string | null | undefined;
  /** 1 to 10, 10 is the most urgent; 5 by default. */
  priority?: number | null | undefined;
  /** How often each scenario runs, 1 to 1,000; once by default. */
  repetitions?: number | null | undefined;
  /** How many sandboxes run in parallel; 1 by default. */
  sandboxInstances?: number | null | undefined;
  /** The keys of the scenarios to run, in order; 1 to 100,000. */
  scenarioIds: Array<string>;
  /** Its key, if the caller chooses it. Repeating the call returns the existing simulation. */
  simulationId?: string | null | undefined;
  /** Whether to start it now; if false, it is PENDING until its first outcome. True by default. */
  start?: boolean | null | undefined;
  /** When it started, in the past; createdAt by default, else now. */
  startedAt?: string | Date | null | undefined;
  /** Up to 20 tags. */
  tags?: Array<string> | null | undefined;
  /** How long one run may take, in milliseconds; 300,000 by default. */
  timeoutMs?: number | null | undefined;
};

/** Conditions on a string; all must match. */
export type StringFilter = {
  /** The string contains this, ignoring case. */
  contains?: string | null | undefined;
  /** The string is exactly this. */
  eq?: string | null | undefined;
  /** The string is one of these. */
  in?: Array<string> | null | undefined;
};

/** The overall result, if the runner knows it better than the sum of the outcomes. */
export type SuiteResultInput = {
  /** Milliseconds it took; by default the sum of the outcomes. */
  executionTimeMs?: number | null | undefined;
  /** 0 to 1; by default the mean of the graded runs. */
  overallScore?: number | null | undefined;
  /** What it cost; by default the sum of the outcomes. */
  totalCostUsd?: number | null | undefined;
};

/** Conditions on a list of tags; all must match. */
export type TagFilter = {
  /** All of these tags. */
  hasEvery?: Array<string> | null | undefined;
  /** At least one of these tags. */
  hasSome?: Array<string> | null | undefined;
};

/** The length of one time bucket. It begins in the time zone that is asked for. */
export type TimeGrain =
  /** One day. */
  | 'DAY'
  /** One hour. */
  | 'HOUR'
  /** One month. */
  | 'MONTH'
  /** One week, from Monday on. */
  | 'WEEK';

/** How a run used one tool. */
export type ToolUsageInput = {
  /** Mean milliseconds of a call. */
  avgDurationMs?: number | null | undefined;
  /** How often it was called, at least once. */
  callCount: number;
  /** Errors of its failed calls. */
  errorTypes?: Array<string> | null | undefined;
  /** Share of the calls that did not fail, 0 to 1. */
  successRate: number;
  /** The tool, up to 100 characters; each only once. */
  toolName: string;
  /** The positions of its calls among all tool calls of the run. */
  toolSequence?: unknown;
  /** What its calls cost. */
  totalCostUsd?: number | null | undefined;
};

/** Scenarios to store. */
export type UpsertScenariosInput = {
  /** 1 to 1,000 scenarios. */
  scenarios: Array<ScenarioInput>;
};

/** What a comparison of two simulations shows. */
export type Verdict =
  /** The candidate is better: the difference is significant after correction. */
  | 'BETTER'
  /** Neither can be said: see `needed`. */
  | 'INSUFFICIENT_DATA'
  /** They differ by less than the margin. */
  | 'NO_DIFFERENCE'
  /** It is worse, likewise. */
  | 'WORSE';

/** The decision to take back. */
export type WithdrawConfigDiffDecisionInput = {
  /** Why, in 1 to 10,000 characters. */
  comment?: string | null | undefined;
  /** The diff’s key. */
  diffId: string;
};

export type DeclinedFragment = { code: ErrorCode, message: string, path: Array<string> };

export type OutcomeReceiptFragment = { index: number, outcomeId: string | null, status: OutcomeReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, differences: Array<string>, notes: Array<string> };

export type AmendmentReceiptFragment = { index: number, outcomeId: string | null, status: AmendmentStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> };

export type SimulationFragment = { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null };

type SimulationProgress_SimulationEvent_Fragment = { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number | null, totalCostUsd: number | null, at: string };

type SimulationProgress_SimulationProgress_Fragment = { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number | null, totalCostUsd: number | null, at: string };

export type SimulationProgressFragment =
  | SimulationProgress_SimulationEvent_Fragment
  | SimulationProgress_SimulationProgress_Fragment
;

export type ConfigurationFragment = { configId: string, name: string, modalAppId: string | null, isActive: boolean, createdAt: string, updatedAt: string };

export type ConfigVersionFragment = { versionId: string, configId: string, versionNumber: number, configHash: string, model: string, temperature: number | null, rawYaml: string, generatedBy: GeneratedBy, isDeleted: boolean, warnings: Array<string>, createdAt: string };

export type ConfigDiffFragment = { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, rejectedBy: string | null, rejectedAt: string | null, decisionComment: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> };

export type HealthQueryVariables = Exact<{ [key: string]: never; }>;


export type HealthQuery = { health: { status: HealthStatus, problems: Array<string>, engine: DatabaseEngine | null, serverVersion: string | null, outcomeParts: number | null, listening: boolean, responseTimeMs: number | null, extensions: Array<{ name: string, version: string }> | null, hypertables: Array<{ name: string, chunks: number }> | null, poolStats: { total: number, idle: number, waiting: number } } };

export type MetricsQueryVariables = Exact<{ [key: string]: never; }>;


export type MetricsQuery = { metrics: { totalQueries: number, successRate: number | null, avgQueryTimeMs: number | null } };

export type SimulationStatusQueryVariables = Exact<{
  simulationId: string;
}>;


export type SimulationStatusQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null };

export type PerformanceSumsFragment = { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null };

export type PerformanceFragment = { from: string | null, to: string | null, asOf: string, summary: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, previous: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, buckets: Array<{ bucket: string, attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }> };

export type SimulationPerformanceQueryVariables = Exact<{
  simulationId: string;
  range?: PerformanceRange | null | undefined;
  grain: TimeGrain;
  timeZone: string;
}>;


export type SimulationPerformanceQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null, performance: { from: string | null, to: string | null, asOf: string, summary: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, previous: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, buckets: Array<{ bucket: string, attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }> } } | null };

export type PerformanceQueryVariables = Exact<{
  range?: PerformanceRange | null | undefined;
  grain: TimeGrain;
  timeZone: string;
  by?: PerformanceBy | null | undefined;
  filter?: PerformanceFilter | null | undefined;
}>;


export type PerformanceQuery = { performance: { from: string | null, to: string | null, asOf: string, groups: { nodes: Array<{ key: string, attempts: number | null, runs: number, succeeded: number | null, failed: number | null, errors: number | null, timeouts: number | null, cancelled: number | null, successRate: number | null, scored: number | null, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null, buckets: Array<{ bucket: string, runs: number, successRate: number | null, meanScore: number | null, costUsd: number | null }> }> }, summary: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, previous: { attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }, buckets: Array<{ bucket: string, attempts: number, runs: number, succeeded: number, failed: number, errors: number, timeouts: number, cancelled: number, successRate: number | null, scored: number, meanScore: number | null, scoreDeviation: number | null, tokens: number | null, promptTokens: number | null, completionTokens: number | null, costUsd: number | null, meanMs: number | null, p50Ms: number | null, p90Ms: number | null, p95Ms: number | null, p99Ms: number | null }> } };

export type ScenarioOutcomesQueryVariables = Exact<{
  simulationId: string;
  filter?: OutcomeFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
  withTrajectory: boolean;
}>;


export type ScenarioOutcomesQuery = { simulation: { outcomes: { nodes: Array<{ outcomeId: string, simulationId: string, scenarioId: string, repetition: number, retryCount: number, superseded: boolean, status: OutcomeStatus, executionTime: string, executionTimeMs: number | null, reliabilityScore: number | null, metrics: unknown, model: string | null, promptTokens: number | null, completionTokens: number | null, tokensUsed: number | null, costUsd: number | null, modalCallId: string | null, sandboxId: string | null, errorCode: string | null, errorCategory: ErrorCategory | null, trajectory?: unknown }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

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


export type ConfigDiffsQuery = { configDiffs: { nodes: Array<{ diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, rejectedBy: string | null, rejectedAt: string | null, decisionComment: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

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


export type FindSimulationQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, startedAt: string | null, metadata: unknown, configVersion: { versionNumber: number, model: string, configuration: { name: string } } } | null };

export type FindSimulationsQueryVariables = Exact<{
  simulationIds: Array<string> | string;
}>;


export type FindSimulationsQuery = { simulations: { nodes: Array<{ simulationId: string, status: SimulationStatus }> } };

export type SimulationFiguresQueryVariables = Exact<{
  simulationId: string;
}>;


export type SimulationFiguresQuery = { simulation: { currentScore: number | null, scoredScenarios: number, totalTokens: number | null, totalCostUsd: number | null, passed: { totalCount: number }, toolAnalytics: { nodes: Array<{ calls: number }> } } | null };

export type FindOutcomesQueryVariables = Exact<{
  outcomeIds: Array<string> | string;
}>;


export type FindOutcomesQuery = { outcomes: { nodes: Array<{ outcomeId: string, reliabilityScore: number | null, simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus } }> } };

export type FindRecordsQueryVariables = Exact<{
  simulationId: string;
  after?: string | null | undefined;
}>;


export type FindRecordsQuery = { outcomes: { nodes: Array<{ outcomeId: string, scenarioId: string, repetition: number, retryCount: number, executionTime: string, executionTimeMs: number | null, tokensUsed: number | null, status: OutcomeStatus }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FindAmendableQueryVariables = Exact<{
  outcomeIds: Array<string> | string;
}>;


export type FindAmendableQuery = { outcomes: { nodes: Array<{ outcomeId: string, stepCount: number, metrics: unknown }> } };

export type FindOutcomesOfScenariosQueryVariables = Exact<{
  scenarioIds: Array<string> | string;
  after?: string | null | undefined;
}>;


export type FindOutcomesOfScenariosQuery = { outcomes: { nodes: Array<{ outcomeId: string, scenarioId: string, repetition: number, retryCount: number, status: OutcomeStatus, reliabilityScore: number | null, metrics: unknown, model: string | null, failurePatterns: { nodes: Array<{ failureType: string, failureCategory: ErrorCategory, errorMessage: string | null }> }, simulation: { simulationId: string, simulationName: string | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

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


export type ApproveConfigDiffMutation = { approveConfigDiff: { diff: { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, rejectedBy: string | null, rejectedAt: string | null, decisionComment: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RejectConfigDiffMutationVariables = Exact<{
  input: RejectConfigDiffInput;
}>;


export type RejectConfigDiffMutation = { rejectConfigDiff: { diff: { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, rejectedBy: string | null, rejectedAt: string | null, decisionComment: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type WithdrawConfigDiffDecisionMutationVariables = Exact<{
  input: WithdrawConfigDiffDecisionInput;
}>;


export type WithdrawConfigDiffDecisionMutation = { withdrawConfigDiffDecision: { diff: { diffId: string, configId: string, versionBefore: string, versionAfter: string, unifiedDiff: string, approvalStatus: ApprovalStatus, approvedBy: string | null, approvedAt: string | null, rejectedBy: string | null, rejectedAt: string | null, decisionComment: string | null, createdAt: string, changes: Array<{ op: ConfigChangeOp, path: string, before: unknown, after: unknown }> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type UpsertScenariosMutationVariables = Exact<{
  input: UpsertScenariosInput;
}>;


export type UpsertScenariosMutation = { upsertScenarios: { receipts: Array<{ index: number, scenarioId: string | null, status: ReceiptStatus, revision: number | null, code: ErrorCode | null, reason: string | null, path: Array<string> | null }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type StartSimulationMutationVariables = Exact<{
  input: StartSimulationInput;
}>;


export type StartSimulationMutation = { startSimulation: { created: boolean, simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type ExtendSimulationMutationVariables = Exact<{
  input: ExtendSimulationInput;
}>;


export type ExtendSimulationMutation = { extendSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type HeartbeatMutationVariables = Exact<{
  input: HeartbeatInput;
}>;


export type HeartbeatMutation = { heartbeat: { errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordOutcomeMutationVariables = Exact<{
  input: RecordOutcomeInput;
}>;


export type RecordOutcomeMutation = { recordOutcome: { receipt: { index: number, outcomeId: string | null, status: OutcomeReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, differences: Array<string>, notes: Array<string> } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordOutcomesMutationVariables = Exact<{
  input: RecordOutcomesInput;
}>;


export type RecordOutcomesMutation = { recordOutcomes: { receipts: Array<{ index: number, outcomeId: string | null, status: OutcomeReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, differences: Array<string>, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type AmendOutcomesMutationVariables = Exact<{
  input: AmendOutcomesInput;
}>;


export type AmendOutcomesMutation = { amendOutcomes: { receipts: Array<{ index: number, outcomeId: string | null, status: AmendmentStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordEmbeddingsMutationVariables = Exact<{
  input: RecordEmbeddingsInput;
}>;


export type RecordEmbeddingsMutation = { recordEmbeddings: { receipts: Array<{ index: number, subject: string | null, status: EmbeddingStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type RecordScenarioResultsMutationVariables = Exact<{
  input: RecordScenarioResultsInput;
}>;


export type RecordScenarioResultsMutation = { recordScenarioResults: { receipts: Array<{ index: number, outcomeId: string | null, status: OutcomeReceiptStatus, code: ErrorCode | null, reason: string | null, path: Array<string> | null, differences: Array<string>, notes: Array<string> }>, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CompleteSimulationMutationVariables = Exact<{
  input: CompleteSimulationInput;
}>;


export type CompleteSimulationMutation = { completeSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type FailSimulationMutationVariables = Exact<{
  input: FailSimulationInput;
}>;


export type FailSimulationMutation = { failSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type CancelSimulationMutationVariables = Exact<{
  input: CancelSimulationInput;
}>;


export type CancelSimulationMutation = { cancelSimulation: { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, overallScore: number | null, totalTokens: number | null, totalCostUsd: number | null, executionTimeMs: number | null, errorMessage: string | null, eventSeq: number, createdAt: string, startedAt: string | null, completedAt: string | null } | null, errors: Array<{ code: ErrorCode, message: string, path: Array<string> }> } };

export type SimulationProgressSubscriptionVariables = Exact<{
  simulationId: string;
}>;


export type SimulationProgressSubscription = { simulationProgress: { simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number | null, totalCostUsd: number | null, at: string } };

export type LatestChangeQueryVariables = Exact<{ [key: string]: never; }>;


export type LatestChangeQuery = { latestChange: number };

export type ChangesSubscriptionVariables = Exact<{
  afterSeq: number;
}>;


export type ChangesSubscription = { changes: { seq: number, event: { kind: SimulationEventKind, simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number | null, totalCostUsd: number | null, at: string } } };

export type AlertEventsSubscriptionVariables = Exact<{
  afterSeq: number;
}>;


export type AlertEventsSubscription = { alertEvents: { seq: number, event: { eventId: string, kind: AlertEventKind, value: number | null, createdAt: string, alert: { alertId: string, value: number, threshold: number, countedRuns: number | null, firedAt: string, endedAt: string | null, endReason: AlertEndReason | null, configId: string | null, simulationId: string | null, rule: { ruleId: string, name: string, kind: AlertKind } } | null } | null } };

export type SimulationEventsSubscriptionVariables = Exact<{
  simulationId: string;
  afterSeq: number;
}>;


export type SimulationEventsSubscription = { simulationEvents: { kind: SimulationEventKind, simulationId: string, seq: number, status: SimulationStatus, totalScenarios: number, completedScenarios: number, succeededScenarios: number, failedScenarios: number, completionPercent: number, currentScore: number | null, totalTokens: number | null, totalCostUsd: number | null, at: string } };

export type GateSimulationQueryVariables = Exact<{
  simulationId: string;
}>;


export type GateSimulationQuery = { simulation: { simulationId: string, simulationName: string | null, status: SimulationStatus, configVersion: { versionNumber: number, model: string, configuration: { name: string } } } | null };

export type LatestCompletedQueryVariables = Exact<{
  filter: SimulationFilter;
}>;


export type LatestCompletedQuery = { simulations: { nodes: Array<{ simulationId: string, simulationName: string | null, status: SimulationStatus, configVersion: { versionNumber: number, model: string, configuration: { name: string } } }> } };

export type GateSimulationFragment = { simulationId: string, simulationName: string | null, status: SimulationStatus, configVersion: { versionNumber: number, model: string, configuration: { name: string } } };

export type FindVersionQueryVariables = Exact<{
  name: string;
  version: ConfigVersionFilter;
}>;


export type FindVersionQuery = { configurations: { nodes: Array<{ configId: string, versions: { nodes: Array<{ versionId: string }> } }> } };

export type RegressionGateQueryVariables = Exact<{
  baseline: string;
  candidate: string;
  rules?: GateRulesInput | null | undefined;
  dimensions?: Array<string> | string | null | undefined;
  lowerIsBetter: Array<string> | string;
  tolerance: number;
}>;


export type RegressionGateQuery = { regressionGate: { passed: boolean, reasons: Array<{ rule: GateRule, status: GateStatus, message: string }> } | null, compareSimulations: Array<{ counts: { scenarios: number, regressed: number, improved: number, onlyInOne: number, revisionDiffers: number }, totals: Array<{ metric: ComparedMetric, dimension: string | null, scenarios: number, baselineMean: number | null, candidateMean: number | null, difference: number | null, adjustedPValue: number | null, verdict: Verdict, interval: { lower: number, upper: number } | null, needed: { difference: number, repetitions: number | null, scenarios: number | null } | null }>, scenarios: { totalCount: number, nodes: Array<{ scenarioId: string, baselineRuns: number, baselineSucceeded: number, baselineScore: number | null, candidateRuns: number, candidateSucceeded: number, candidateScore: number | null, revisionDiffers: boolean }> } }> };

export const HealthDocument: TypedDocument<HealthQuery, HealthQueryVariables> =
  "query Health{health{status problems engine serverVersion extensions{name version}hypertables{name chunks}outcomeParts poolStats{total idle waiting}listening responseTimeMs}}"

export const MetricsDocument: TypedDocument<MetricsQuery, MetricsQueryVariables> =
  "query Metrics{metrics{totalQueries successRate avgQueryTimeMs}}"

export const SimulationStatusDocument: TypedDocument<SimulationStatusQuery, SimulationStatusQueryVariables> =
  "fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}query SimulationStatus($simulationId:UUID!){simulation(simulationId:$simulationId){...Simulation}}"

export const SimulationPerformanceDocument: TypedDocument<SimulationPerformanceQuery, SimulationPerformanceQueryVariables> =
  "fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}fragment PerformanceSums on PerformanceSums{attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms}fragment Performance on Performance{from to asOf summary{...PerformanceSums}previous{...PerformanceSums}buckets{bucket attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms}}query SimulationPerformance($simulationId:UUID!$range:PerformanceRange$grain:TimeGrain!$timeZone:String!){simulation(simulationId:$simulationId){...Simulation performance(range:$range grain:$grain timeZone:$timeZone){...Performance}}}"

export const PerformanceDocument: TypedDocument<PerformanceQuery, PerformanceQueryVariables> =
  "fragment PerformanceSums on PerformanceSums{attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms}fragment Performance on Performance{from to asOf summary{...PerformanceSums}previous{...PerformanceSums}buckets{bucket attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms}}query Performance($range:PerformanceRange$grain:TimeGrain!$timeZone:String!$by:PerformanceBy$filter:PerformanceFilter){performance(range:$range grain:$grain timeZone:$timeZone by:$by filter:$filter){...Performance groups(first:500){nodes{key attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms buckets{bucket runs successRate meanScore costUsd}}}}}"

export const ScenarioOutcomesDocument: TypedDocument<ScenarioOutcomesQuery, ScenarioOutcomesQueryVariables> =
  "query ScenarioOutcomes($simulationId:UUID!$filter:OutcomeFilter$first:Int!$after:String$withTrajectory:Boolean!){simulation(simulationId:$simulationId){outcomes(first:$first after:$after filter:$filter){nodes{outcomeId simulationId scenarioId repetition retryCount superseded status executionTime executionTimeMs reliabilityScore metrics model promptTokens completionTokens tokensUsed costUsd modalCallId sandboxId errorCode errorCategory trajectory@include(if:$withTrajectory)}pageInfo{hasNextPage endCursor}}}}"

export const ConfigurationsDocument: TypedDocument<ConfigurationsQuery, ConfigurationsQueryVariables> =
  "fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query Configurations($filter:ConfigurationFilter$first:Int!$after:String){configurations(first:$first after:$after filter:$filter){nodes{...Configuration latestVersion{...ConfigVersion}}pageInfo{hasNextPage endCursor}}}"

export const ConfigVersionsDocument: TypedDocument<ConfigVersionsQuery, ConfigVersionsQueryVariables> =
  "fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query ConfigVersions($filter:ConfigVersionFilter$first:Int!$after:String){configVersions(first:$first after:$after filter:$filter){nodes{...ConfigVersion}pageInfo{hasNextPage endCursor}}}"

export const ConfigDiffsDocument: TypedDocument<ConfigDiffsQuery, ConfigDiffsQueryVariables> =
  "fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment createdAt}query ConfigDiffs($filter:ConfigDiffFilter$first:Int!$after:String){configDiffs(first:$first after:$after filter:$filter){nodes{...ConfigDiff}pageInfo{hasNextPage endCursor}}}"

export const CompareConfigVersionsDocument: TypedDocument<CompareConfigVersionsQuery, CompareConfigVersionsQueryVariables> =
  "query CompareConfigVersions($before:UUID!$after:UUID!){configDiff(before:$before after:$after){unifiedDiff changes{op path before after}}}"

export const FindMadeConfigurationDocument: TypedDocument<FindMadeConfigurationQuery, FindMadeConfigurationQueryVariables> =
  "fragment Configuration on Configuration{configId name modalAppId isActive createdAt updatedAt}fragment ConfigVersion on ConfigVersion{versionId configId versionNumber configHash model temperature rawYaml generatedBy isDeleted warnings createdAt}query FindMadeConfiguration($configId:UUID!){configuration(configId:$configId){...Configuration versions(last:1){nodes{...ConfigVersion}}}}"

export const FindConfigurationDocument: TypedDocument<FindConfigurationQuery, FindConfigurationQueryVariables> =
  "query FindConfiguration($name:String!$configHash:String!){configurations(first:1 filter:{name:{eq:$name}isActive:true}){nodes{configId versions(first:10 filter:{configHash:{eq:$configHash}}){nodes{versionId versionNumber isDeleted}}}}}"

export const ConfigHistoryDocument: TypedDocument<ConfigHistoryQuery, ConfigHistoryQueryVariables> =
  "query ConfigHistory($name:String!$after:String){configurations(first:1 filter:{name:{eq:$name}isActive:true}){nodes{configId versions(first:500 after:$after orderBy:{field:VERSION_NUMBER direction:ASC}){nodes{versionNumber configHash}pageInfo{hasNextPage endCursor}}}}}"

export const FindSimulationDocument: TypedDocument<FindSimulationQuery, FindSimulationQueryVariables> =
  "query FindSimulation($simulationId:UUID!){simulation(simulationId:$simulationId){simulationId simulationName status startedAt metadata configVersion{versionNumber model configuration{name}}}}"

export const FindSimulationsDocument: TypedDocument<FindSimulationsQuery, FindSimulationsQueryVariables> =
  "query FindSimulations($simulationIds:[UUID!]!){simulations(first:100 filter:{simulationId:{in:$simulationIds}}){nodes{simulationId status}}}"

export const SimulationFiguresDocument: TypedDocument<SimulationFiguresQuery, SimulationFiguresQueryVariables> =
  "query SimulationFigures($simulationId:UUID!){simulation(simulationId:$simulationId){currentScore scoredScenarios totalTokens totalCostUsd passed:outcomes(first:0 filter:{status:{eq:SUCCESS}reliabilityScore:{isNull:false}superseded:false}){totalCount}toolAnalytics(first:500){nodes{calls}}}}"

export const FindOutcomesDocument: TypedDocument<FindOutcomesQuery, FindOutcomesQueryVariables> =
  "query FindOutcomes($outcomeIds:[UUID!]!){outcomes(first:500 filter:{outcomeId:{in:$outcomeIds}}){nodes{outcomeId reliabilityScore simulation{simulationId simulationName status}}}}"

export const FindRecordsDocument: TypedDocument<FindRecordsQuery, FindRecordsQueryVariables> =
  "query FindRecords($simulationId:UUID!$after:String){outcomes(first:500 after:$after filter:{simulationId:{eq:$simulationId}}){nodes{outcomeId scenarioId repetition retryCount executionTime executionTimeMs tokensUsed status}pageInfo{hasNextPage endCursor}}}"

export const FindAmendableDocument: TypedDocument<FindAmendableQuery, FindAmendableQueryVariables> =
  "query FindAmendable($outcomeIds:[UUID!]!){outcomes(first:500 filter:{outcomeId:{in:$outcomeIds}}){nodes{outcomeId stepCount metrics}}}"

export const FindOutcomesOfScenariosDocument: TypedDocument<FindOutcomesOfScenariosQuery, FindOutcomesOfScenariosQueryVariables> =
  "query FindOutcomesOfScenarios($scenarioIds:[String!]!$after:String){outcomes(first:500 after:$after filter:{scenarioId:{in:$scenarioIds}}){nodes{outcomeId scenarioId repetition retryCount status reliabilityScore metrics model failurePatterns(first:5){nodes{failureType failureCategory errorMessage}}simulation{simulationId simulationName}}pageInfo{hasNextPage endCursor}}}"

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
  "fragment Declined on MutationError{code message path}fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment createdAt}mutation ApproveConfigDiff($input:ApproveConfigDiffInput!){approveConfigDiff(input:$input){diff{...ConfigDiff}errors{...Declined}}}"

export const RejectConfigDiffDocument: TypedDocument<RejectConfigDiffMutation, RejectConfigDiffMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment createdAt}mutation RejectConfigDiff($input:RejectConfigDiffInput!){rejectConfigDiff(input:$input){diff{...ConfigDiff}errors{...Declined}}}"

export const WithdrawConfigDiffDecisionDocument: TypedDocument<WithdrawConfigDiffDecisionMutation, WithdrawConfigDiffDecisionMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment ConfigDiff on ConfigDiff{diffId configId versionBefore versionAfter unifiedDiff changes{op path before after}approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment createdAt}mutation WithdrawConfigDiffDecision($input:WithdrawConfigDiffDecisionInput!){withdrawConfigDiffDecision(input:$input){diff{...ConfigDiff}errors{...Declined}}}"

export const UpsertScenariosDocument: TypedDocument<UpsertScenariosMutation, UpsertScenariosMutationVariables> =
  "fragment Declined on MutationError{code message path}mutation UpsertScenarios($input:UpsertScenariosInput!){upsertScenarios(input:$input){receipts{index scenarioId status revision code reason path}errors{...Declined}}}"

export const StartSimulationDocument: TypedDocument<StartSimulationMutation, StartSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation StartSimulation($input:StartSimulationInput!){startSimulation(input:$input){created simulation{...Simulation}errors{...Declined}}}"

export const ExtendSimulationDocument: TypedDocument<ExtendSimulationMutation, ExtendSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation ExtendSimulation($input:ExtendSimulationInput!){extendSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const HeartbeatDocument: TypedDocument<HeartbeatMutation, HeartbeatMutationVariables> =
  "fragment Declined on MutationError{code message path}mutation Heartbeat($input:HeartbeatInput!){heartbeat(input:$input){errors{...Declined}}}"

export const RecordOutcomeDocument: TypedDocument<RecordOutcomeMutation, RecordOutcomeMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path differences notes}mutation RecordOutcome($input:RecordOutcomeInput!){recordOutcome(input:$input){receipt{...OutcomeReceipt}errors{...Declined}}}"

export const RecordOutcomesDocument: TypedDocument<RecordOutcomesMutation, RecordOutcomesMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path differences notes}mutation RecordOutcomes($input:RecordOutcomesInput!){recordOutcomes(input:$input){receipts{...OutcomeReceipt}errors{...Declined}}}"

export const AmendOutcomesDocument: TypedDocument<AmendOutcomesMutation, AmendOutcomesMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment AmendmentReceipt on AmendmentReceipt{index outcomeId status code reason path notes}mutation AmendOutcomes($input:AmendOutcomesInput!){amendOutcomes(input:$input){receipts{...AmendmentReceipt}errors{...Declined}}}"

export const RecordEmbeddingsDocument: TypedDocument<RecordEmbeddingsMutation, RecordEmbeddingsMutationVariables> =
  "fragment Declined on MutationError{code message path}mutation RecordEmbeddings($input:RecordEmbeddingsInput!){recordEmbeddings(input:$input){receipts{index subject status code reason path}errors{...Declined}}}"

export const RecordScenarioResultsDocument: TypedDocument<RecordScenarioResultsMutation, RecordScenarioResultsMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment OutcomeReceipt on OutcomeReceipt{index outcomeId status code reason path differences notes}mutation RecordScenarioResults($input:RecordScenarioResultsInput!){recordScenarioResults(input:$input){receipts{...OutcomeReceipt}errors{...Declined}}}"

export const CompleteSimulationDocument: TypedDocument<CompleteSimulationMutation, CompleteSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation CompleteSimulation($input:CompleteSimulationInput!){completeSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const FailSimulationDocument: TypedDocument<FailSimulationMutation, FailSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation FailSimulation($input:FailSimulationInput!){failSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const CancelSimulationDocument: TypedDocument<CancelSimulationMutation, CancelSimulationMutationVariables> =
  "fragment Declined on MutationError{code message path}fragment Simulation on Simulation{simulationId simulationName status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore overallScore totalTokens totalCostUsd executionTimeMs errorMessage eventSeq createdAt startedAt completedAt}mutation CancelSimulation($input:CancelSimulationInput!){cancelSimulation(input:$input){simulation{...Simulation}errors{...Declined}}}"

export const SimulationProgressDocument: TypedDocument<SimulationProgressSubscription, SimulationProgressSubscriptionVariables> =
  "fragment SimulationProgress on ProgressState{simulationId seq status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore totalTokens totalCostUsd at}subscription SimulationProgress($simulationId:UUID!){simulationProgress(simulationId:$simulationId){...SimulationProgress}}"

export const LatestChangeDocument: TypedDocument<LatestChangeQuery, LatestChangeQueryVariables> =
  "query LatestChange{latestChange}"

export const ChangesDocument: TypedDocument<ChangesSubscription, ChangesSubscriptionVariables> =
  "fragment SimulationProgress on ProgressState{simulationId seq status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore totalTokens totalCostUsd at}subscription Changes($afterSeq:SafeInt!){changes(afterSeq:$afterSeq){seq event{kind ...SimulationProgress}}}"

export const AlertEventsDocument: TypedDocument<AlertEventsSubscription, AlertEventsSubscriptionVariables> =
  "subscription AlertEvents($afterSeq:SafeInt!){alertEvents(afterSeq:$afterSeq){seq event{eventId kind value createdAt alert{alertId value threshold countedRuns firedAt endedAt endReason configId simulationId rule{ruleId name kind}}}}}"

export const SimulationEventsDocument: TypedDocument<SimulationEventsSubscription, SimulationEventsSubscriptionVariables> =
  "fragment SimulationProgress on ProgressState{simulationId seq status totalScenarios completedScenarios succeededScenarios failedScenarios completionPercent currentScore totalTokens totalCostUsd at}subscription SimulationEvents($simulationId:UUID!$afterSeq:SafeInt!){simulationEvents(simulationId:$simulationId afterSeq:$afterSeq){kind ...SimulationProgress}}"

export const GateSimulationDocument: TypedDocument<GateSimulationQuery, GateSimulationQueryVariables> =
  "query GateSimulation($simulationId:UUID!){simulation(simulationId:$simulationId){...GateSimulation}}fragment GateSimulation on Simulation{simulationId simulationName status configVersion{versionNumber model configuration{name}}}"

export const LatestCompletedDocument: TypedDocument<LatestCompletedQuery, LatestCompletedQueryVariables> =
  "query LatestCompleted($filter:SimulationFilter!){simulations(first:2 filter:$filter){nodes{...GateSimulation}}}fragment GateSimulation on Simulation{simulationId simulationName status configVersion{versionNumber model configuration{name}}}"

export const FindVersionDocument: TypedDocument<FindVersionQuery, FindVersionQueryVariables> =
  "query FindVersion($name:String!$version:ConfigVersionFilter!){configurations(first:1 filter:{name:{eq:$name}}){nodes{configId versions(first:1 filter:$version){nodes{versionId}}}}}"

export const RegressionGateDocument: TypedDocument<RegressionGateQuery, RegressionGateQueryVariables> =
  "query RegressionGate($baseline:UUID!$candidate:UUID!$rules:GateRulesInput$dimensions:[String!]$lowerIsBetter:[String!]!$tolerance:Float!){regressionGate(baseline:$baseline candidate:$candidate rules:$rules){passed reasons{rule status message}}compareSimulations(baseline:$baseline candidates:[$candidate]tolerance:$tolerance){counts{scenarios regressed improved onlyInOne revisionDiffers}totals(dimensions:$dimensions lowerIsBetter:$lowerIsBetter){metric dimension scenarios baselineMean candidateMean difference interval{lower upper}adjustedPValue verdict needed{difference repetitions scenarios}}scenarios(first:50 filter:{change:{eq:REGRESSED}}orderBy:{field:SUCCESS_RATE_DIFFERENCE direction:ASC}){totalCount nodes{scenarioId baselineRuns baselineSucceeded baselineScore candidateRuns candidateSucceeded candidateScore revisionDiffers}}}}"
