export const ImpactFeedbackStyle = { Light: 'light', Medium: 'medium', Heavy: 'heavy' };
export const NotificationFeedbackType = { Success: 'success' };
export const impactAsync = async () => undefined;
export const notificationAsync = async () => undefined;
