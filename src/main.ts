#!/usr/bin/env -S node --max-semi-space-size=64
import { Command, Option } from 'commander'
import type { EmbedOptions } from './commands/embed.ts'
import type { FailureGroupsOptions } from './commands/failureGroups.ts'
import type { GateOptions } from './commands/gate.ts'
import type { ImportOptions } from './commands/import.ts'
import type { MigrateOptions } from './commands/migrate.ts'
import type { RetentionOptions } from './commands/retention.ts'
import type { SqlLoginOptions } from './commands/sqlLogin.ts'
import type { StorageOptions } from './commands/storage.ts'
import { ConfigError, readConfig } from './config.ts'
import { LoginRefused } from './db/admin/login.ts'
import { MigrationError } from './db/admin/migrator.ts'
import { SqlLoginRefused } from './db/admin/sqlLogins.ts'
import { DataDirLocked } from './db/embedded/dataDirLock.ts'
import { DatabaseUnusable } from './db/unusable.ts'
import { ROLES, type Role } from './viewer.ts'

// The heap's young part is larger than Node makes it, here and in `npm start`: a batch of trajectories is megabytes of
// short-lived objects, and copying those that still live took a tenth of ingestion.
// Each command loads its parts when it runs: `arc token` waits for no database, `arc serve` for no importer.

const program = new Command('arc')
  .description('Stores results of AI agent evaluations, and serves them over GraphQL.')
  .showHelpAfterError()

program
  .command('serve', { isDefault: true })
  .description('Serve GraphQL; with the embedded database unless DATABASE_URL is set.')
  .action(async () => {
    const config = readConfig()
    // Otherwise graphql-js looks at each step whether it was loaded twice. Only after Arc has read what it was set to.
    process.env.NODE_ENV ??= 'production'
    const { serve } = await import('./commands/serve.ts')
    await serve(config)
  })

program
  .command('migrate')
  .description('Migrate the database of DATABASE_ADMIN_URL (or DATABASE_URL) to the latest schema.')
  .option('--login <name>', 'also create a login for the service, with the password in ARC_SERVICE_PASSWORD')
  .option(
    '--engine',
    'also turn the partitions of plain PostgreSQL into TimescaleDB’s hypertables, where this server has TimescaleDB now',
  )
  .option('--no-engine', 'give up a change to hypertables that is not finished')
  .option(
    '--continuous-aggregates',
    'also make TimescaleDB’s continuous aggregates, or refresh those that are there (full edition)',
  )
  .option('--no-continuous-aggregates', 'take them away')
  .action(async (options: MigrateOptions) => {
    const { runMigrations } = await import('./commands/migrate.ts')
    await runMigrations(readConfig(), options)
  })

program
  .command('retention')
  .description('Show or set for how many days outcomes, events and the audit log are kept.')
  .argument('[days]', 'a number of days, or "off" to keep them forever')
  .option(
    '--deleted <days>',
    'for how many days what is deleted can be taken back, or "off" for as long as nobody deletes it for good',
  )
  .option('--events <days>', 'for how many days the events of simulations that have ended are kept, or "off"')
  .option('--audit <days>', 'for how many days the audit log is kept, or "off"')
  .action(async (days: string | undefined, options: RetentionOptions) => {
    const { retention } = await import('./commands/retention.ts')
    await retention(readConfig(), days, options)
  })

program
  .command('failure-groups')
  .description('Show or set by which models failures are grouped by meaning, and from how similar.')
  .argument('[model]', 'as it stands with the vectors, e.g. "openai:text-embedding-3-small@1536 failure#1"')
  .option('--similarity <cosine>', 'from which two failures are alike, above 0, up to 1')
  .option('--mean <cosine>', 'of all pairs of two groups, from which they are joined')
  .action(async (model: string | undefined, options: FailureGroupsOptions) => {
    const { failureGroups } = await import('./commands/failureGroups.ts')
    await failureGroups(readConfig(), model, options)
  })

program
  .command('storage')
  .description('Show or set how TimescaleDB lays outcomes out.')
  .option('--pack-after <days>', 'after how many days chunks are packed by the full edition, or "off"')
  .option('--chunk-days <days>', 'how many days a new chunk holds: 1 from about a million outcomes a day')
  .option(
    '--segment-by-tenant <on|off>',
    'whether each tenant’s outcomes are packed for themselves: off for thousands of tenants with a few outcomes a week each',
  )
  .action(async (options: StorageOptions) => {
    const { storage } = await import('./commands/storage.ts')
    await storage(readConfig(), options)
  })

program
  .command('embed')
  .description(
    'Make the embeddings that are missing, with what ARC_EMBEDDINGS names: beside servers, which do the same little by little.',
  )
  .option('--rebuild', 'make all anew; each stays until the new one takes its place')
  .addOption(
    new Option('--kind <kind>', 'of these only').choices([
      'failures',
      'scenarios',
      'versions',
      'trajectories',
    ]),
  )
  .option('--tenant <uuid>', 'of this tenant only')
  .option('--off', 'make none any more, once all servers have ARC_EMBEDDINGS=none; what waits goes')
  .option('--quiet', 'no progress bar')
  .action(async (options: EmbedOptions) => {
    const { embedCommand } = await import('./commands/embed.ts')
    process.exitCode = await embedCommand(readConfig(), options)
  })

program
  .command('import')
  .description(
    'Import result files (Inspect, Harbor, Terminal-Bench, tau-bench, tau2-bench, promptfoo, DeepEval, InterCode, OpenHands, ' +
      'SWE-agent, mini-swe-agent, SWE-bench) and the versions of configurations (YAML) over GraphQL. File types are detected ' +
      'by content. Secrets are redacted.',
  )
  .argument(
    '<file...>',
    'result files; YAML files, each one a version of a configuration, in the order given; or folders, which are walked, ' +
      'v2 before v10',
  )
  .option('--configuration <name>', 'configuration of the YAML files; by default the name of their folder')
  .option('--model <model>', 'model for YAML files that name none; it is prepended to them as model_name')
  .option(
    '--complete',
    'completes the simulations of runs that are not finished; by default they stay RUNNING',
  )
  .option('--simulation <id>', 'simulation whose outcomes reports of SWE-bench grade, where it is not clear')
  .option('--url <url>', 'GraphQL endpoint; by default ARC_URL or the server on this machine')
  .option('--token <token>', 'bearer token; by default ARC_TOKEN or one signed with this machine’s secret')
  .option('--patience <seconds>', 'how long to wait for a server that goes away meanwhile', '120')
  .option('--quiet', 'no progress bar')
  .action(async (files: string[], options: ImportOptions) => {
    const { importCommand } = await import('./commands/import.ts')
    process.exitCode = await importCommand(readConfig(), files, options)
  })

program
  .command('gate')
  .description(
    'Whether a simulation may take the place of another one, asked of a server: exit code 0 when it may, 1 when it may not, ' +
      '2 when nothing can be told (no server, no such simulation, one that has not ended, wrong options).',
  )
  .requiredOption('--candidate <id>', 'the key of the simulation that is to take its place')
  .option('--baseline <id>', 'the key of the simulation to compare with; or')
  .option('--baseline-configuration <name>', 'the configuration whose latest completed simulation it is')
  .option('--baseline-version <number>', 'the version of that configuration')
  .option('--rules <file>', 'YAML with the rules, as GateRulesInput has them; options stand above it')
  .option('--success-drop <share>', 'success drops by less, or "off"; 0.05 by default')
  .option('--score-drop <share>', 'the mean score drops by less, or "off"; 0.05 by default')
  .option('--cost-increase <share>', 'mean cost rises by no more than this share')
  .option('--tokens-increase <share>', 'mean tokens rise by no more than this share')
  .option('--duration-increase <share>', 'mean duration rises by no more than this share')
  .option('--min-success-rate <share>', 'so many of the runs succeed')
  .option('--min-scenarios <number>', 'both have runs of so many scenarios')
  .option('--min-repetitions <number>', 'each of these has so many repetitions')
  .option('--no-regressed', 'no scenario goes worse')
  .option('--no-new-failure-categories', 'no run fails for a kind of reason that is new')
  .addOption(
    new Option('--insufficient-data <what>', 'what becomes of it when the runs do not tell').choices([
      'fail',
      'pass',
    ]),
  )
  .option('--lower-is-better <dimension...>', 'dimensions of metrics of which less is better, for the report')
  .option('--report <file>', 'writes a report as Markdown')
  .option('--url <url>', 'GraphQL endpoint; by default ARC_URL or the server on this machine')
  .option(
    '--token <token>',
    'bearer token or API key; by default ARC_TOKEN or one signed with this machine’s secret',
  )
  .option('--patience <seconds>', 'how long to wait for a server that goes away meanwhile', '120')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (options: GateOptions) => {
    process.exitCode = 2
    const { gateCommand } = await import('./commands/gate.ts')
    process.exitCode = await gateCommand(readConfig(), options)
  })

program
  .command('token')
  .description('Print a bearer token, signed with this server’s secret.')
  .option('--tenant <uuid>', 'the tenant; by default the sample’s')
  .option('--actor <name>', 'who acts, for the audit log', 'command line')
  .addOption(new Option('--role <role>', 'what the token may do').choices(ROLES).default('app_user'))
  .option('--days <days>', 'how long it is valid', '30')
  .action(async (options: { tenant?: string; actor: string; role: Role; days: string }) => {
    const { printToken } = await import('./commands/token.ts')
    await printToken(readConfig(), options)
  })

program
  .command('sql-login')
  .description(
    'Make, list or revoke database logins for people who write their own SQL: each reads one tenant’s rows, in schema analytics. ' +
      'A new one without a password in ARC_SQL_PASSWORD gets one that is printed once.',
  )
  .option('--tenant <uuid>', 'whose rows the login reads')
  .option(
    '--name <name>',
    'of the login, which every login of the server can see; by default arc_sql_ and a number',
  )
  .option('--password-stdin', 'read the password from standard input')
  .option('--statement-timeout <seconds>', 'how long a transaction may last; by default 60')
  .option('--connections <number>', 'how many it may have at a time; by default 5')
  .option('--list', 'show them, or those of --tenant')
  .option('--revoke', 'end the sessions of --name, or of all of --tenant, and drop the login')
  .action(async (options: SqlLoginOptions) => {
    const { sqlLogin } = await import('./commands/sqlLogin.ts')
    await sqlLogin(readConfig(), options)
  })

readEnvFile()
try {
  await program.parseAsync()
} catch (error) {
  if (!isExplained(error)) throw error
  console.error(`arc: ${error.message}`)
  process.exitCode ??= 1
}

/** A file .env in the folder that Arc runs in; what is set in the environment as well stays as it is there. */
function readEnvFile(): void {
  try {
    process.loadEnvFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** What the person at the command line can mend needs no stack. */
function isExplained(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException
  return (
    error instanceof ConfigError ||
    error instanceof DataDirLocked ||
    error instanceof DatabaseUnusable ||
    error instanceof LoginRefused ||
    error instanceof MigrationError ||
    error instanceof SqlLoginRefused ||
    code === 'EADDRINUSE' ||
    code === 'ECONNREFUSED' ||
    code === 'ENOTFOUND'
  )
}
