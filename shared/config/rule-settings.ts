/**
 * The settings that are part of the rules: with other values, the same updates are accepted or rejected differently, or give
 * another history. So an installation has one value of each, regardless of a process's environment.
 */
import type { Config } from './config.ts';

export const ruleSettingNames = ['GRID_SIZE', 'LOG_RETENTION_DAYS'] as const satisfies readonly (keyof Config)[];
export type RuleSettingName = (typeof ruleSettingNames)[number];

/** The rule settings that a process uses. An API purges no tombstones, so it does not use the retention. */
export type RuleSettings = { readonly [Name in RuleSettingName]?: number | undefined };

/**
 * Lists the reasons why a process must not start with its settings, one sentence each.
 * @param installed the values of the installation; those that are not recorded yet are not compared
 */
export function describeRuleConflicts(own: RuleSettings, installed: RuleSettings): string[] {
  return ruleSettingNames.flatMap((name) => {
    const [here, there] = [own[name], installed[name]];
    if (here === undefined || there === undefined || here === there) return [];
    return [
      `${name} is ${here}, but ${there} in this installation: set ${name}=${there}, or change it for all processes with ` +
        `\`npx consciousness-field rules set ${name} ${here}\``,
    ];
  });
}
