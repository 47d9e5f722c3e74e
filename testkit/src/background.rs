//! A listener with a thread of its own, so that tests may be synchronous or not.

use std::{future::Future, io, net::TcpListener, thread::JoinHandle};

use tokio::{net::TcpStream, runtime, sync::oneshot, task};

/// Serves until it is dropped.
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    tasks: Vec<task::AbortHandle>,
}

impl Background {
    /// Serves each connection of `listener`.
    pub(crate) fn listen<F, S>(name: &str, listener: TcpListener, serve: S) -> io::Result<Self>
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, serve) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread), tasks: Vec::new() })
    }

    /// The same on the caller's runtime.
    pub(crate) fn here<F, S>(listener: TcpListener, serve: S) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(TcpStream) -> F + Send + 'static,
    {
        listener.set_nonblocking(true)?;
        let mut background = Self { stop: None, thread: None, tasks: Vec::new() };
        background.also(accept(listener, serve));
        Ok(background)
    }

    /// Runs a task as long.
    pub(crate) fn also(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(work).abort_handle());
    }
}

async fn accept<F, S>(listener: TcpListener, serve: S)
where
    S: Fn(TcpStream) -> F + Send,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        // Answers are small and the next request waits for them.
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.tasks.iter().for_each(task::AbortHandle::abort);
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed by the thread, and its requests went unanswered: the test knows.
            let _ = thread.join();
        }
    }
}
