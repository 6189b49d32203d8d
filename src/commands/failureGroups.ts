import { type Config, ConfigError } from '../config.ts'
import { changeFailureGrouping, type FailureGroupingModel } from '../db/admin/failureGrouping.ts'
import { withAdminUrl } from './withAdminUrl.ts'

/** As the command line gives them. */
export interface FailureGroupsOptions {
  similarity?: string
  mean?: string
}

/** `arc failure-groups`: shows by which models failures are grouped by meaning, and from how similar; or sets it for one. */
export async function failureGroups(
  config: Config,
  model: string | undefined,
  { similarity, mean }: FailureGroupsOptions,
): Promise<void> {
  const given = [model, similarity, mean].filter((each) => each !== undefined).length
  if (given !== 0 && given !== 3)
    throw new ConfigError('Give a model, --similarity and --mean together, or nothing to see what holds.')
  const changed: FailureGroupingModel | undefined =
    model === undefined
      ? undefined
      : { model, leastSimilarity: shareOf('--similarity', similarity!), leastMean: shareOf('--mean', mean!) }
  await withAdminUrl(config, async (url) => {
    for (const { model, leastSimilarity, leastMean } of await changeFailureGrouping(url, changed))
      console.log(
        `${model}: failures are alike from a similarity of ${leastSimilarity}, groups from a mean of ${leastMean}.`,
      )
  })
}

function shareOf(option: string, text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share > 0 && share <= 1) return share
  throw new ConfigError(`${option} takes a number above 0, up to 1, not "${text}".`)
}
