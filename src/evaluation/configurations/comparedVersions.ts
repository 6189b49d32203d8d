import sql, { type Sql } from 'sql-template-tag'
import { parseExactly } from '../../exactNumbers.ts'
import type { Source } from '../../reads/answers/parts.ts'
import type { ComputedRows } from '../../reads/computedPages.ts'
import { type ComparedVersion, ConfigComparison } from './configDiff.ts'

/** The pair of two versions as a row; none unless the tenant has both. */
export function comparedVersions(before: string, after: string): ComputedRows {
  return {
    name: sql`comparedVersions`,
    fields: ['beforeId', 'afterId'],
    select: sql`select concat(b.version_id, '/', a.version_id) as parent, b.version_id as before_id, a.version_id as after_id
      from config_versions b cross join config_versions a where b.version_id = ${before} and a.version_id = ${after}`,
  }
}

/** What two versions are compared by. */
export function comparedVersionsSource(before: string, after: string): Source {
  const versionOf = (versionId: string): Sql => sql`(
    select json_build_object('versionId', v.version_id, 'rawYaml', v.raw_yaml, 'parsedConfig', v.parsed_config,
      'label', concat(c.name, ' ', v.version_number))
    from config_versions v join configurations c on c.config_id = v.config_id where v.version_id = ${versionId})`
  return {
    text: () => sql`json_build_array(${versionOf(before)}, ${versionOf(after)})::text`,
    reads: 4,
    huge: 0,
  }
}

/** Null when one of them is not there. */
export function comparisonOf(read: string): ConfigComparison | null {
  const [before, after] = parseExactly(read) as [ComparedVersion | null, ComparedVersion | null]
  return before && after ? new ConfigComparison(before, after) : null
}
