/**
 * The version of the merge and dynamics rules. Every log entry carries the version that it was folded with, because only the same
 * rules give the same state. Increase it with every change by which any log gives another result.
 *
 * - 1: until release 0.1.0. Decay and sine were those of the JavaScript engine, particles were limited in number only, and
 *   entanglement was always 0.
 * - 2: the fold gives the same bytes in every JavaScript engine; particles are limited in bytes; entanglement follows mutual
 *   connections and events.
 */
export const rulesVersion = 2;
