import { builder } from './builder.ts'
import './scalars.ts'
import './configuration.ts'
import './configVersion.ts'
import './configDiff.ts'
import './scenario.ts'
import './simulation.ts'
import './simulationLifecycle.ts'
import './simulationScenario.ts'
import './outcome.ts'
import './recordOutcomes.ts'
import './failurePattern.ts'
import './toolUsage.ts'
import './simulationEvent.ts'
import './viewer.ts'
import './health.ts'

/** The whole graph: every file above adds its types to the builder. */
export const schema = builder.toSchema()
