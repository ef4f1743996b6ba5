/**
 * Whether the coordinates of a field are longitudes and latitudes. A field does not declare this, so it is recognised by its name,
 * `earthquakes` as in the documentation, or by the page's address: `/?field=NAME&map=earth`.
 */
export function isGeographic(field: string, parameters: URLSearchParams): boolean {
  return parameters.get('map') === 'earth' || /^earthquakes(-|$)/.test(field);
}
