import { basename } from 'node:path'
import { SingleBar } from 'cli-progress'
import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import type { Config } from '../config.ts'
import { addedUp, type Redactions } from '../evaluation/redaction/redaction.ts'
import { UNKNOWN_MODEL } from '../importers/configHistory.ts'
import type { RejectedRecord } from '../importers/format.ts'
import {
  type ConfigurationReport,
  type FileReport,
  type GradesReport,
  importFiles,
  type PassedOver,
  type ResultsReport,
  type ShowProgress,
} from '../importers/importFiles.ts'
import type { RunReport } from '../importers/importRun.ts'
import { connectedClient, NoServer, type ServerOptions } from './connectedClient.ts'
import { ImportTotals } from './importTotals.ts'

export interface ImportOptions extends ServerOptions {
  quiet?: boolean
  /** Of the YAML files; else the name of their folder. */
  configuration?: string
  /** For the YAML files that name none. */
  model?: string
  /** Ends simulations whose source is not finished. */
  complete?: boolean
  /** Whose outcomes are graded by reports of SWE-bench; else it is found by its tasks and its model. */
  simulation?: string
}

const MAX_LISTED_RECORDS = 20
const MAX_LISTED_NOTES = 5

/**
 * `arc import`: sends result files and configurations to a server, and says on stdout what became of each.
 *
 * Answers the exit code: 0 when every record of every file is in Arc now, 1 when one was rejected or a file could not
 * be read (the others are imported all the same), 2 when there is no server to send to, or none any more.
 */
export async function importCommand(
  config: Config,
  files: string[],
  options: ImportOptions,
): Promise<number> {
  try {
    const client = await connectedClient(config, options, { actorId: 'arc import', writes: true })
    return (await importAndPrint(client, files, options)) ? 0 : 1
  } catch (error) {
    if (!(error instanceof NoServer)) throw error
    console.error(`arc import: ${error.message}`)
    return 2
  }
}

/** Whether all records of all files are in Arc now. @throws NoServer when it answers no more. */
async function importAndPrint(client: ArcClient, files: string[], options: ImportOptions): Promise<boolean> {
  const showProgress = !options.quiet && process.stderr.isTTY ? progressBar : () => undefined
  let complete = true
  const totals = new ImportTotals()
  try {
    for await (const report of importFiles(client, files, options, showProgress)) {
      totals.add(report)
      if (!printFile(report, client.url, options.model)) complete = false
    }
  } catch (error) {
    if (!(error instanceof ArcRequestError && error.status === 0)) throw error
    throw new NoServer(`${client.url} no longer answers. Import the files again: nothing is stored twice.`)
  }
  for (const line of totals.lines()) print(line)
  return complete
}

/** Whether all that the file holds is in Arc now. */
function printFile(report: FileReport, url: string, model: string | undefined): boolean {
  switch (report.kind) {
    case 'configuration':
      printConfiguration(report, url, model)
      return true
    case 'results':
      printResults(report, url)
      return report.rejected.length === 0
    case 'skipped':
      print(`${report.label}: not imported. ${report.reason}`)
      return true
    case 'grades':
      printGrades(report)
      return report.rejected.length === 0
    case 'passedOver':
      printPassedOver(report)
      return true
    case 'failed':
      console.error(shown(`${report.label}: ${report.message}`))
      return false
  }
}

function printConfiguration(
  { label, history, report }: ConfigurationReport,
  url: string,
  model: string | undefined,
): void {
  print(`${label}: configuration as YAML`)
  print(`  configuration  ${history.name}, versions ${report.first} to ${report.last}`)
  print(`  versions       ${report.stored} stored, ${report.known} there already`)
  printChanges(0, addedUp(history.versions.map(({ redactions }) => redactions)))
  const added = history.versions.filter(({ modelAdded }) => modelAdded).length
  if (added > 0) {
    const hint = model === undefined ? '; --model sets it' : ''
    print(
      `  model          ${model ?? UNKNOWN_MODEL}: prepended to ${added} that name none, as model_name${hint}`,
    )
  }
  for (const file of history.repeated) print(`  no version     ${file} is the same as the one before`)
  print(
    `  see            ${url}  { configurations(filter: { name: { eq: ${JSON.stringify(history.name)} } }) ` +
      '{ nodes { versions { nodes { versionNumber configHash } } } } }',
  )
}

function printResults(results: ResultsReport, url: string): void {
  const { label, format, nonFinite, redactions, notes, earlier, reports, rejected } = results
  print(`${label}: ${format}`)
  printChanges(nonFinite, redactions)
  for (const note of notes) print(`  note           ${note}`)
  if (reports.length === 0 && earlier.length === 0) print('  holds no record that can be imported')
  for (const { name, simulationId, status, records, graded } of earlier) {
    print(`  there already  ${records} in ${name} (${simulationId}), ${status.toLowerCase()}`)
    if (graded.length > 0) print(`  amended        ${graded.length} of those: graded anew`)
  }
  if (reports.length > 0 && earlier.length > 0) print('  the others     become a separate simulation')
  for (const report of reports) printReport(report, url)
  printRejected(rejected)
}

function printGrades({ label, format, simulation, notes, ...report }: GradesReport): void {
  print(`${label}: ${format}`)
  for (const note of notes) print(`  note           ${note}`)
  if (simulation) print(`  simulation     ${simulation.name} (${simulation.simulationId})`)
  print(`  grades         ${report.amended} stored, ${report.unchanged} there already`)
  print(`  passed         ${report.passed} of ${report.graded} graded`)
  printRejected(report.rejected)
}

function printPassedOver({ label, unknown, yaml }: PassedOver): void {
  if (unknown.length + yaml.length > 0) print(`${label}: files beside results`)
  for (const { file, message } of unknown.slice(0, MAX_LISTED_NOTES))
    print(`  passed over    ${file}: ${message}`)
  if (unknown.length > MAX_LISTED_NOTES)
    print(`  passed over    and ${unknown.length - MAX_LISTED_NOTES} more of no format`)
  if (yaml.length > 0)
    print(`  passed over    ${listed(yaml)}: name YAML files to import them as versions of a configuration`)
}

function listed(files: string[]): string {
  return files.length === 1 ? files[0]! : `${files[0]} and ${files.length - 1} more`
}

const progressBar: ShowProgress = (file, total, unit) => {
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${shown(basename(file))} {bar} {value}/{total} ${unit === 'bytes' ? 'MB read' : 'records sent'}`,
    formatValue: (value, _options, type) =>
      String(type !== 'percentage' && unit === 'bytes' ? Math.round(value / 1e6) : Math.round(value)),
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(total, 0)
  return bar
}

const counted = new Intl.NumberFormat('en-US')
const dollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 6,
})

function printReport(report: RunReport, url: string): void {
  const { configuration, simulationId, notes, differing } = report
  const { graded, passed, scores, tokens, costUsd, toolCalls } = report.figures
  const meanScore = graded === 0 ? 'ungraded' : `mean score ${(scores / graded).toFixed(4)}`
  const isNew = configuration.created ? ' (new)' : ''
  print(`  configuration  ${configuration.name}, version ${configuration.versionNumber}${isNew}`)
  print(`  simulation     ${report.simulationName}, ${report.status.toLowerCase()}`)
  print(`  records        ${report.stored} stored, ${report.duplicates} there already`)
  if (report.amended > 0)
    print(`  amended        ${report.amended} of those: graded anew, or with more figures`)
  if (differing.size > 0) {
    const fields = [...differing].map(([field, count]) => `${field} (${count})`).join(', ')
    print(`  differing      ${fields}: what was stored before stays`)
  }
  print(`  passed         ${passed} of ${graded} graded, ${meanScore}`)
  print(
    `  used           ${tokens === null ? 'unknown' : counted.format(tokens)} tokens, ` +
      `${costUsd === null ? 'unknown cost' : dollars.format(costUsd)}, ${counted.format(toolCalls)} tool calls`,
  )
  const listed = [...notes].slice(0, MAX_LISTED_NOTES)
  for (const [note, count] of listed) {
    print(`  note           ${note}; ${count} ${count === 1 ? 'record' : 'records'}`)
  }
  if (notes.size > listed.length)
    print(`  note           and ${notes.size - listed.length} more kinds of notes`)
  print(
    `  see            ${url}  { simulation(simulationId: "${simulationId}") { status overallScore outcomes { nodes { status } } } }`,
  )
}

/** What was changed in files before anything of them was read. */
function printChanges(nonFinite: number, { secrets, places }: Redactions): void {
  if (nonFinite > 0) print(`  ${nonFinite} NaN or Infinity values, kept by name and unknown as figures`)
  if (places === 0) return
  print(
    `  redacted       ${secrets.size} ${secrets.size === 1 ? 'secret' : 'secrets'}, ` +
      `in ${counted.format(places)} ${places === 1 ? 'place' : 'places'}`,
  )
}

function printRejected(rejected: RejectedRecord[]): void {
  print(`  rejected       ${rejected.length}`)
  for (const { record, reason } of rejected.slice(0, MAX_LISTED_RECORDS)) {
    print(`    ${record}: ${reason}`)
  }
  if (rejected.length > MAX_LISTED_RECORDS) {
    print(`    and ${rejected.length - MAX_LISTED_RECORDS} more`)
  }
}

function print(line: string): void {
  console.log(shown(line))
}

/** Names and reasons come out of files: what would steer the terminal, or turn what is written around, is not passed on. */
function shown(line: string): string {
  return line.replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd')
}
