//! Who listens to the change feed.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, NoTls};

/// The payloads of what is announced on the channel `users_sync` from now on.
pub(crate) async fn listen(url: &str) -> UnboundedReceiver<String> {
    let (client, mut connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the test's Postgres answers");
    let (sender, announced) = unbounded_channel();
    tokio::spawn(async move {
        let mut next = async || std::future::poll_fn(|cx| connection.poll_message(cx)).await;
        while let Some(Ok(message)) = next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = sender.send(notification.payload().to_owned());
            }
        }
    });
    client.batch_execute("listen users_sync").await.expect("we listen");
    // The client must live as long as its connection.
    std::mem::forget(client);
    announced
}
