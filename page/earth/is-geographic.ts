/**
 * Whether the coordinates of a field are longitudes and latitudes. A field does not say what its coordinates mean, so it is known by its
 * name, `earthquakes` of the documentation, or by the page's address: `/?field=NAME&map=earth`.
 */
export function isGeographic(field: string, parameters: URLSearchParams): boolean {
  return parameters.get('map') === 'earth' || /^earthquakes(-|$)/.test(field);
}
